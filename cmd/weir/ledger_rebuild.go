package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger/statement"
)

func newRebuildStatementsCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rebuild-statements",
		Short: "Drop all statements and make them anew from the entries",
		Long: `rebuild-statements deletes every line of the statements and makes them anew from the entries, which are not touched. It
works beside a running engine: who reads statements meanwhile is told how far they are. Balances as of now need no
statements and stay right. Stopped halfway, it is gone on with by the role statements, or by this command once more.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withDatabase(cmd, func(ctx context.Context, db *database.DB, _ *config.Config, _ *slog.Logger) error {
				if err := statement.Rebuild(ctx, db); err != nil {
					return err
				}
				projector := statement.NewProjector(db, 0)
				for {
					round, err := projector.Round(ctx)
					// The role of a running engine does the same work; who is first does not matter.
					if err != nil && !errors.Is(err, statement.ErrStale) {
						return err
					}
					if err == nil && !round.Behind {
						if round.Failed != nil {
							return round.Failed
						}
						break
					}
				}
				progress, err := statement.ReadProgress(ctx, db)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(a.out, "the statements of %d partitions are made anew\n", len(progress))
				return err
			})
		},
	}
	a.addConfigFlags(cmd)
	return cmd
}
