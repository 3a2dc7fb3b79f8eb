package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/engine"
)

func newConfigCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check the configuration and print what is in effect",
		Long: `Check the configuration, and the files that it names for the roles that it runs (rules, routes, definitions of PSPs), and
print what is in effect, as YAML, with secrets masked. Settings come from the defaults,
a file, the environment (WEIR_API__LISTEN is api.listen) and flags, each overriding the one before.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.configuration(cmd)
			if err != nil {
				return err
			}
			if err := engine.Check(c); err != nil {
				return fmt.Errorf("%w: %w", errConfiguration, err)
			}
			_, err = io.WriteString(a.out, config.Print(c))
			return err
		},
	}
	a.addConfigFlags(cmd)
	cmd.AddCommand(&cobra.Command{
		Use:   "reference",
		Short: "Print the reference of all keys, as Markdown",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := io.WriteString(a.out, config.Markdown())
			return err
		},
	})
	return cmd
}
