package database

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/weirhq/weir/internal/dirlock"
)

// RunningURL is the URL of the embedded server that another process runs on dir, for tools that look at an engine at
// work; "" where no process holds dir. It knows PostgreSQL only.
func RunningURL(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("embedded database: directory: %w", err)
	}
	if held, err := dirlock.Held(dir); err != nil || !held {
		return "", err
	}
	postgres := filepath.Join(dir, "postgres")
	port, err := postmasterPort(filepath.Join(postgres, "postmaster.pid"))
	if err != nil {
		return "", fmt.Errorf("embedded database: %s is held by another process, but its server is not found; pass --database-url: %w", dir, err)
	}
	password, err := os.ReadFile(postgres + ".password")
	if err != nil {
		return "", fmt.Errorf("embedded database: password: %w", err)
	}
	address := url.URL{Scheme: "postgres", User: url.UserPassword("weir", strings.TrimSpace(string(password))), Host: loopback(port),
		Path: "/" + databaseName, RawQuery: "sslmode=disable"}
	return address.String(), nil
}

// postmasterPort reads the port from the file that a PostgreSQL server keeps while it runs; it stands in the fourth line.
func postmasterPort(file string) (int, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	lines := strings.Split(string(content), "\n")
	if len(lines) < 4 {
		return 0, errors.New(file + " is not complete: the server is starting")
	}
	return strconv.Atoi(strings.TrimSpace(lines[3]))
}
