package database_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
)

// childDirectory makes the test binary the process that is killed.
const childDirectory = "WEIR_DATABASE_TEST_DIRECTORY"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDirectory); dir != "" {
		if err := insertUntilKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// insertUntilKilled starts a server on dir and prints each number once the row that holds it is committed.
func insertUntilKilled(dir string) error {
	ctx := context.Background()
	embedded, err := database.StartEmbedded(ctx, dir, 0, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, embedded.URL)
	if err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS numbers (n int8 PRIMARY KEY)"); err != nil {
		return err
	}
	for n := time.Now().UnixNano(); ; n++ {
		if _, err := conn.Exec(ctx, "INSERT INTO numbers VALUES ($1)", n); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

// TestAKilledProcessLeavesAServerThatStartsAgain kills the process that owns a server, several times, and starts the
// next one at once: the old server is gone, and what was committed is there.
func TestAKilledProcessLeavesAServerThatStartsAgain(t *testing.T) {
	const kills = 3
	dir := t.TempDir()
	var committed []string
	for range kills {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childDirectory+"="+dir)
		var failure strings.Builder
		child.Stderr = &failure
		output, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		scanner := bufio.NewScanner(output)
		for lines := 0; scanner.Scan(); lines++ {
			committed = append(committed, scanner.Text())
			if lines == 5 {
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := child.Wait(); failure.Len() > 0 {
			t.Fatalf("the child failed: %v: %s", err, failure.String())
		}
	}
	started := time.Now()
	embedded := startEmbedded(t, dir)
	t.Logf("ready %s after the kill", time.Since(started).Round(time.Millisecond))
	conn, err := pgx.Connect(t.Context(), embedded.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, n := range committed {
		var found bool
		if err := conn.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM numbers WHERE n = $1::text::int8)", n).Scan(&found); err != nil {
			t.Fatal(err)
		}
		if !found {
			t.Errorf("row %s was committed and is lost", n)
		}
	}
	servers := 0
	processes, err := exec.Command("ps", "-eo", "args").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range strings.Split(string(processes), "\n") {
		if strings.Contains(args, "-D "+filepath.Join(dir, "postgres")) {
			servers++
		}
	}
	if embedded.Product != "CockroachDB" && servers != 1 {
		t.Errorf("%d servers run on the directory, want 1", servers)
	}
}

func TestASecondServerOnADirectoryIsRefused(t *testing.T) {
	dir := t.TempDir()
	startEmbedded(t, dir)
	_, err := database.StartEmbedded(t.Context(), dir, 0, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "another process") {
		t.Fatalf("error is %v, want one that says that the directory is held", err)
	}
}

func TestAStoppedServerStartsAgainOnItsData(t *testing.T) {
	dir := t.TempDir()
	first := startEmbedded(t, dir)
	conn, err := pgx.Connect(t.Context(), first.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "CREATE TABLE kept (n int4 PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	<-first.Done()
	if first.Product != "CockroachDB" {
		// What a machine that went down with its server leaves; by now the number is another process.
		stale := fmt.Sprintf("%d\n%s\n", os.Getpid(), filepath.Join(dir, "postgres"))
		if err := os.WriteFile(filepath.Join(dir, "postgres", "postmaster.pid"), []byte(stale), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	started := time.Now()
	second := startEmbedded(t, dir)
	t.Logf("ready after %s", time.Since(started).Round(time.Millisecond))
	conn, err = pgx.Connect(t.Context(), second.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "INSERT INTO kept VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	var fsync string
	if err := conn.QueryRow(t.Context(), "SHOW fsync").Scan(&fsync); err == nil && fsync != "on" {
		t.Errorf("fsync is %s, want on", fsync)
	}
}

func TestAServerThatCannotStartSaysWhy(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	_, err = database.StartEmbedded(t.Context(), t.TempDir(), number, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), port) {
		t.Fatalf("error is %v, want one that names port %s", err, port)
	}
}

func startEmbedded(t *testing.T, dir string) *database.Embedded {
	t.Helper()
	embedded, err := database.StartEmbedded(t.Context(), dir, 0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := embedded.Stop(); err != nil {
			t.Error(err)
		}
	})
	return embedded
}
