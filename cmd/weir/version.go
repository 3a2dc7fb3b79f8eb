package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/weirhq/weir/internal/telemetry"
)

func newVersionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(a.out, "weir %s (%s, %s/%s)\n", telemetry.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
