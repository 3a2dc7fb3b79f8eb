package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/weirhq/weir/internal/engine"
	"github.com/weirhq/weir/processors/stream"
)

// newRunCommand runs the engine until it is interrupted.
func newRunCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the engine: every role, or those named by --roles",
		Long: `Run the engine until it is interrupted (SIGINT or SIGTERM), then finish what is in hand, within 10 seconds.

Without brokers and a database they are embedded, with their data in the data directory. Keys: weir config --help.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.configuration(cmd)
			if err != nil {
				return err
			}
			log, err := a.logger(c)
			if err != nil {
				return err
			}
			hook, err := stream.CrashAt(a.getenv(stream.CrashVariable))
			if err != nil {
				return fmt.Errorf("%w: %w", errConfiguration, err)
			}
			engine.TuneMemory(c)
			ctx := cmd.Context()
			e, err := engine.Start(ctx, c, log, engine.WithHook(hook))
			if err != nil {
				return err
			}
			if err := e.Ready(ctx); err != nil && ctx.Err() == nil {
				log.Warn("not everything serves yet", "error", err)
			} else if err == nil {
				log.Info("ready", "http", e.URL, "brokers", e.Brokers, "roles", c.Roles)
			}
			err = e.Wait(ctx)
			log.Info("stopping: finishing what is in hand")
			if stopped := e.Stop(); err == nil {
				err = stopped
			}
			if err == nil {
				log.Info("stopped")
			}
			return err
		},
	}
	a.addConfigFlags(cmd)
	keyFlag(cmd, "roles", "roles", "roles of this process, separated by commas; without it all of them")
	keyFlag(cmd, "listen", "api.listen", "address of the HTTP server")
	keyFlag(cmd, "rules", "risk.rules", "rule file, or directory of rule files")
	return cmd
}
