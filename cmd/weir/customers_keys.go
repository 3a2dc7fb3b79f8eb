package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/customerkeys"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/kyc"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

func newCustomersHistoryCommand(a *app) *cobra.Command {
	var tenant string
	cmd := &cobra.Command{
		Use:   "history <customer>",
		Short: "Print who changed a customer's record, when and why",
		Args:  one(ofCustomer),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withCustomers(cmd, func(ctx context.Context, at *customerDesk) error {
				log, err := view.NewEventLog(at.db.Pool)
				if err != nil {
					return err
				}
				changes, err := log.Customer(ctx, view.Owner{Partition: topics.PartitionOf(tenant, args[0], at.partitions), Tenant: tenant, Customer: args[0]})
				if err != nil {
					return err
				}
				if len(changes) == 0 {
					return kyc.ErrNone
				}
				return aligned(a.out, func(w io.Writer) {
					fmt.Fprintln(w, "TIME\tVERSION\tCHANGE\tSTATUS\tKYC\tBY\tREASON")
					for i := range changes {
						e := &changes[i]
						d := topics.CustomerData{}
						if e.Record.Data != nil {
							d = *e.Record.Data
						}
						fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%s\n", e.At.UTC().Format(time.RFC3339), e.Version, e.Type, d.Status, d.KYCLevel, e.Author, e.Reason)
					}
				})
			})
		},
	}
	tenantFlag(cmd, &tenant)
	a.addConfigFlags(cmd)
	return cmd
}

func newCustomersKeygenCommand(a *app) *cobra.Command {
	var id string
	cmd := &cobra.Command{
		Use:   "keygen",
		Short: "Print a new master key, for customers.master_key",
		Long: `A master key encrypts the data keys of customers. Keep it apart from the database and its backups, in a secret of the deployment
(environment: WEIR_CUSTOMERS__MASTER_KEY). Whoever has both reads who customers are; whoever loses it, nobody does.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			text, err := customerkeys.NewMaster(id)
			if err != nil {
				return usageError{fmt.Errorf("--id: %w", err)}
			}
			_, err = fmt.Fprintln(a.out, text)
			return err
		},
	}
	cmd.Flags().StringVar(&id, "id", time.Now().UTC().Format("2006-01"), "name of the key, another one for each")
	return cmd
}

func newCustomersRotateCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Encrypt all data keys by the current master key",
		Long: `After customers.master_key has a new key, and customers.former_master_key the one of before, in every process, rotate encrypts the
data keys that the former one encrypts by the new one. Nothing that the data keys encrypt changes. Then the former key may go; keep
it for as long as backups from before are kept.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withDatabase(cmd, func(ctx context.Context, db *database.DB, c *config.Config, _ *slog.Logger) error {
				masters, err := c.CustomerKeys()
				if err != nil {
					return err
				}
				if masters == nil {
					return kyc.ErrNotConfigured
				}
				rotated, err := masters.Rotate(ctx, db.Pool)
				var unopened *customerkeys.Unopened
				if errors.As(err, &unopened) {
					return fmt.Errorf("%d data keys are encrypted by %s now; %w", rotated, masters.Current(), err)
				}
				if err != nil {
					return fmt.Errorf("%d data keys were rotated; run it again: %w", rotated, err)
				}
				_, err = fmt.Fprintf(a.out, "%d data keys are encrypted by %s now\n", rotated, masters.Current())
				return err
			})
		},
	}
	a.addConfigFlags(cmd)
	return cmd
}
