//go:build !unix

package database

import (
	"context"
	"errors"
	"log/slog"
)

var errNoEmbedded = errors.New("embedded servers run on Linux and macOS only: pass --database-url")

// child is a running server: there is none here.
type child struct{ done chan struct{} }

func (*child) stop() error { return nil }

func startPostgres(context.Context, string, string, int, embeddedOptions, *slog.Logger) (*Embedded, error) {
	return nil, errNoEmbedded
}

func startCockroach(context.Context, string, string, int, *slog.Logger) (*Embedded, error) {
	return nil, errNoEmbedded
}
