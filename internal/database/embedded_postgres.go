//go:build unix

package database

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// Settings of an embedded PostgreSQL: a development server that shares its machine with the engine, on which every
// acknowledged commit is on disk.
const (
	sharedBuffers  = "256MB"
	maxWALSize     = "2GB" // bounds what a start after a crash replays
	maxConnections = "200"
	checkpointTime = "10min"
)

func postgresSettings(port int, o embeddedOptions, compression string) []string {
	settings := []string{
		"listen_addresses=127.0.0.1",
		"port=" + strconv.Itoa(port),
		"unix_socket_directories=",
		"max_connections=" + maxConnections,
		"shared_buffers=" + sharedBuffers,
		"max_wal_size=" + maxWALSize,
		"checkpoint_timeout=" + checkpointTime,
		"wal_level=minimal", // nobody replicates from it
		"max_wal_senders=0",
		"wal_compression=" + compression,
		"synchronous_commit=on",
		"jit=off",
		"timezone=UTC",
		"log_checkpoints=off",
	}
	if !o.fsync {
		settings = append(settings, "fsync=off", "full_page_writes=off")
	}
	return settings
}

// startPostgres starts the server whose programs are in binaries on the data directory dir.
func startPostgres(ctx context.Context, binaries, dir string, port int, o embeddedOptions, log *slog.Logger) (*Embedded, error) {
	user, err := serverUser(dir, binaries)
	if err != nil {
		return nil, err
	}
	logFile := dir + ".log"
	if err := clearOldPostgres(dir, log); err != nil {
		return nil, err
	}
	password, err := initPostgres(ctx, binaries, dir, user)
	if err != nil {
		return nil, err
	}
	if err := portIsFree(port); err != nil {
		return nil, err
	}
	args := []string{"-D", dir}
	for _, setting := range postgresSettings(port, o, walCompression(ctx, binaries)) {
		args = append(args, "-c", setting)
	}
	server, err := startChild(command{
		path: filepath.Join(binaries, "postgres"), args: args, user: user, log: logFile,
		stopSignals: postgresSignals(),
	})
	if err != nil {
		return nil, err
	}
	address := url.URL{Scheme: "postgres", User: url.UserPassword("weir", password), Host: loopback(port), RawQuery: "sslmode=disable"}
	address.Path = "/postgres"
	if err := server.awaitReady(ctx, address.String()); err != nil {
		return nil, errors.Join(err, server.stop())
	}
	if err := createDatabase(ctx, address.String()); err != nil {
		return nil, errors.Join(err, server.stop())
	}
	address.Path = "/" + databaseName
	major, _ := postgresMajor(dir)
	return &Embedded{URL: address.String(), Product: "PostgreSQL " + major, child: server}, nil
}

// initPostgres makes dir a data directory unless it is one, and returns the password of the user weir.
//
// initdb writes PG_VERSION early, so a crash in it would leave what looks like a data directory. It therefore works on
// another one, dir.new-*, which is renamed when it is whole; what a crash leaves there is removed by a later start. Each
// start has its own, because the initdb of a process that was killed may take a moment to follow it.
func initPostgres(ctx context.Context, binaries, dir string, user *account) (string, error) {
	passwordFile := dir + ".password"
	if major, err := postgresMajor(dir); err != nil {
		return "", err
	} else if major != "" {
		password, err := os.ReadFile(passwordFile)
		return string(bytes.TrimSpace(password)), err
	}
	if left, err := filepath.Glob(dir + ".new-*"); err == nil {
		for _, old := range left {
			_ = os.RemoveAll(old) // an initdb that is still about to die may write again; a later start removes the rest
		}
	}
	fresh, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".new-")
	if err != nil {
		return "", err
	}
	password := rand.Text()
	if err := os.WriteFile(passwordFile, []byte(password+"\n"), 0o600); err != nil {
		return "", err
	}
	if err := user.own(fresh, passwordFile); err != nil {
		return "", err
	}
	initdb := exec.CommandContext(ctx, filepath.Join(binaries, "initdb"), "-D", fresh, "--username=weir", "--auth=scram-sha-256",
		"--pwfile="+passwordFile, "--encoding=UTF8", "--no-locale")
	initdb.Dir = "/" // one that every user can enter
	user.assume(initdb)
	dieWithParent(initdb.SysProcAttr, syscall.SIGKILL)
	runtime.LockOSThread() // the signal at our death is tied to the thread that starts it
	defer runtime.UnlockOSThread()
	if output, err := initdb.CombinedOutput(); err != nil {
		return "", fmt.Errorf("initdb as %s: %w\n%s", user, err, lastLines(output))
	}
	return password, os.Rename(fresh, dir)
}

// createDatabase creates the database of weir on a server that lacks it.
func createDatabase(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var exists bool
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", databaseName).Scan(&exists)
	if err != nil || exists {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE "+databaseName)
	return err
}

// clearOldPostgres stops a server that still runs on dir and removes a pid file that would keep a new one from starting.
// The caller holds the lock of the directory, so that server's owner is dead.
func clearOldPostgres(dir string, log *slog.Logger) error {
	pidFile := filepath.Join(dir, "postmaster.pid")
	content, err := os.ReadFile(pidFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 0 {
		return fmt.Errorf("%s does not start with a process id: remove it when no PostgreSQL runs on %s", pidFile, dir)
	}
	running := func() bool { return strings.Contains(commandLine(pid)+" ", " -D "+dir+" ") }
	if running() {
		log.Info("stopping the database server that a killed process left", "pid", pid)
		return stopProcess(pid, postgresSignals(), running)
	}
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return nil // PostgreSQL sees that for itself, and makes sure that no backend is left
	}
	// The machine went down with the server and the number is another process by now: PostgreSQL would not start.
	log.Info("removing the pid file of a server that is gone", "file", pidFile)
	return os.Remove(pidFile)
}

// walCompression is lz4 where the server was built with it, and its own slower method elsewhere.
func walCompression(ctx context.Context, binaries string) string {
	configure, err := exec.CommandContext(ctx, filepath.Join(binaries, "pg_config"), "--configure").Output()
	if err == nil && bytes.Contains(configure, []byte("--with-lz4")) {
		return "lz4"
	}
	return "on"
}

// portIsFree tells a taken port from a server of ours that refuses us: who answers there may be somebody else's.
func portIsFree(port int) error {
	listener, err := net.Listen("tcp", loopback(port))
	if err != nil {
		return fmt.Errorf("port %d is taken; set database.embedded_port to another one, or to 0 for any that is free: %w", port, err)
	}
	return listener.Close()
}
