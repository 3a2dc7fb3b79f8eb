// Command weir runs the engine and the tools that belong to it.
//
// Each subcommand is a file of its own with one function, new<Name>Command(app), that stands in the list in root.go.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, &app{out: os.Stdout, errOut: os.Stderr, environ: os.Environ()}, os.Args[1:])
	stop()
	os.Exit(code)
}
