package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/processors/payments"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/processors/velocity"
	"github.com/weirhq/weir/topics"
)

func newRecoverCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "recover",
		Short: "Look at and repair a partition that has stopped",
		Long: `A partition stops where going on could apply or publish something twice, or lose it. The log, /readyz and
"weir recover show" say why, and which of these commands repairs it. Each of them takes the partition from its owner for
the moment, so the engine may run meanwhile; it claims the partition again by itself. A repair that was interrupted is run
again.`,
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newRecoverShowCommand(a), newRecoverAdoptCommand(a), newRecoverRepublishCommand(a), newRecoverImportCommand(a))
	return cmd
}

// recoverTarget is what the flags say is to be repaired.
type recoverTarget struct {
	role      string
	partition int32
	all       bool
}

func (t *recoverTarget) addFlags(cmd *cobra.Command) {
	cmd.Flags().Int32Var(&t.partition, "partition", -1, "the partition to repair")
	cmd.Flags().BoolVar(&t.all, "all", false, "repair every partition that stopped for the reason that this command is for")
	cmd.MarkFlagsOneRequired("partition", "all")
	cmd.MarkFlagsMutuallyExclusive("partition", "all")
}

func (t *recoverTarget) addRole(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.role, "role", payments.Role, "the role whose fold has stopped")
}

// withRecovery calls f with the means to repair the role's fold.
func (a *app) withRecovery(cmd *cobra.Command, t *recoverTarget, f func(context.Context, *stream.Recovery) error) error {
	if t.role != payments.Role {
		return fmt.Errorf("%w: --role %q: want %s, the one role with a database-backed fold", errConfiguration, t.role, payments.Role)
	}
	return a.withDatabase(cmd, func(ctx context.Context, db *database.DB, c *config.Config, log *slog.Logger) error {
		return a.withBroker(c, log, func(kafka []kgo.Opt) error {
			program, err := payments.New(payments.Config{
				Pool: db.Pool, Partitions: c.Kafka.Partitions, Limits: lifecycle.DefaultLimits(), Log: log,
			})
			if err != nil {
				return err
			}
			recovery, err := stream.NewRecovery(stream.FoldConfig{
				Role: payments.Role, Input: topics.Inbox, DeadLetters: topics.InboxDeadLetters, Format: payments.Format,
				Program: program, DB: db, Kafka: kafka, Log: log,
			})
			if err != nil {
				return err
			}
			return f(ctx, recovery)
		})
	})
}

// repair runs a repair on the partition that is asked for, or on all that stopped for one of the reasons.
func (a *app) repair(ctx context.Context, r *stream.Recovery, t *recoverTarget, reasons []stream.StopReason,
	repair func(partition int32) (string, error)) error {
	partitions := []int32{t.partition}
	if t.all {
		conditions, err := r.Show(ctx)
		if err != nil {
			return err
		}
		partitions = nil
		for _, c := range conditions {
			if stoppedFor(c.Verdict, reasons) {
				partitions = append(partitions, c.Partition)
			}
		}
	}
	var failures []error
	for _, partition := range partitions {
		done, err := repair(partition)
		if err != nil {
			failures = append(failures, fmt.Errorf("partition %d: %w", partition, err))
			continue
		}
		fmt.Fprintf(a.out, "partition %d: %s\n", partition, done)
	}
	fmt.Fprintf(a.out, "%d of %d partitions repaired\n", len(partitions)-len(failures), len(partitions))
	return errors.Join(failures...)
}

func stoppedFor(verdict error, reasons []stream.StopReason) bool {
	var stopped *stream.StopError
	if !errors.As(verdict, &stopped) {
		return false
	}
	for _, reason := range reasons {
		if stopped.Reason == reason {
			return true
		}
	}
	return false
}

func newRecoverShowCommand(a *app) *cobra.Command {
	var t recoverTarget
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Print how far each partition is applied and published, and what keeps it from going on",
		Long: `Print for each partition: what is published (N) and applied (M) as positions, base (position = base + offset), and the
offsets that the input holds. It changes nothing. While an engine runs, N may lag behind. Exit status 1 if a partition
cannot go on.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withRecovery(cmd, &t, a.showConditions)
		},
	}
	a.addConfigFlags(cmd)
	t.addRole(cmd)
	return cmd
}

func (a *app) showConditions(ctx context.Context, r *stream.Recovery) error {
	conditions, err := r.Show(ctx)
	if err != nil {
		return err
	}
	stopped := false
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PARTITION\tPUBLISHED\tAPPLIED\tBASE\tINPUT\tVERDICT")
	for _, c := range conditions {
		verdict := "goes on"
		if c.Verdict != nil {
			stopped, verdict = true, c.Verdict.Error()
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%d\t%d-%d\t%s\n", c.Partition, orNone(c.Declared, c.Published), orNone(c.Known, c.Applied), c.Base,
			c.Start, c.End, verdict)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if stopped {
		return errProblems
	}
	return nil
}

func orNone(known bool, position int64) string {
	if !known {
		return "none"
	}
	return fmt.Sprint(position)
}

func newRecoverAdoptCommand(a *app) *cobra.Command {
	var t recoverTarget
	var offset string
	cmd := &cobra.Command{
		Use:   "adopt",
		Short: "Accept the input topic as it is: recreated, or with records lost",
		Long: `Accept the inbox as it is now: the record at --offset becomes the next one to be applied, and positions go on where they
were, so that no id is used twice.

The choice of the offset is yours, and it is about money. Records before it that were never applied are given up: have
their senders send them again. Records after it that were applied already are applied once more; commands and reports are
recognised by their ids and harmless, within the deduplication horizon.

With --role velocity or velocity-outcomes it is what velocity counts: signals before the offset are not counted, those that
come again are recognised. What was counted is kept. Name one partition.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if t.role == velocity.RoleName || t.role == velocity.RoleNameOutcomes {
				return a.adoptTable(cmd, &t, offset)
			}
			return a.withRecovery(cmd, &t, func(ctx context.Context, r *stream.Recovery) error {
				reasons := []stream.StopReason{stream.StopTopicChanged, stream.StopInputLost, stream.StopInputTruncated}
				return a.repair(ctx, r, &t, reasons, func(partition int32) (string, error) {
					p, err := r.Adopt(ctx, partition, offset)
					return fmt.Sprintf("adopted, base is %d now", p.Base), err
				})
			})
		},
	}
	a.addConfigFlags(cmd)
	t.addRole(cmd)
	t.addFlags(cmd)
	cmd.Flags().StringVar(&offset, "offset", "", "first offset to apply: start, end or a number")
	_ = cmd.MarkFlagRequired("offset") // fails only where there is no such flag
	return cmd
}

// adoptTable is adopt for a partition that keeps what it holds in a topic.
func (a *app) adoptTable(cmd *cobra.Command, t *recoverTarget, offset string) error {
	if t.all {
		return fmt.Errorf("%w: --all: role %s is repaired one --partition at a time", errConfiguration, t.role)
	}
	return a.withKafka(cmd, func(ctx context.Context, kafka []kgo.Opt, _ *config.Config, log *slog.Logger) error {
		role, err := velocity.New(velocity.Config{Kafka: kafka, Log: log})
		if err != nil {
			return err
		}
		next, err := role.Adopt(ctx, t.role, t.partition, offset)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.out, "partition %d: adopted, offset %d is next\n", t.partition, next)
		return err
	})
}

func newRecoverRepublishCommand(a *app) *cobra.Command {
	var t recoverTarget
	var from string
	cmd := &cobra.Command{
		Use:   "republish",
		Short: "Say up to where a partition is published, after weir.positions.v1 was lost",
		Long: `Declare the published position anew. Everything applied from --from on is published: where it was published before,
readers of the topics see it again, under the same ids. With --from end nothing is published again; choose it where the
output topics are known to be complete, and "weir fsck" afterwards says whether they are.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withRecovery(cmd, &t, func(ctx context.Context, r *stream.Recovery) error {
				reasons := []stream.StopReason{stream.StopPositionMissing}
				return a.repair(ctx, r, &t, reasons, func(partition int32) (string, error) {
					p, err := r.Republish(ctx, partition, from)
					return fmt.Sprintf("published from position %d on", p.Next), err
				})
			})
		},
	}
	a.addConfigFlags(cmd)
	t.addRole(cmd)
	t.addFlags(cmd)
	cmd.Flags().StringVar(&from, "from", "", "first position to publish, or end")
	_ = cmd.MarkFlagRequired("from") // fails only where there is no such flag
	return cmd
}

func newRecoverImportCommand(a *app) *cobra.Command {
	var t recoverTarget
	cmd := &cobra.Command{
		Use:   "import",
		Short: "Bring a database that was restored to an earlier time up to what is published",
		Long: `Read what was published since the time to which the database was restored, and store it: log, payments, entries and
balances. Nothing is decided again; what customers and BI have seen is what stands. Run "weir fsck" afterwards.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withRecovery(cmd, &t, func(ctx context.Context, r *stream.Recovery) error {
				reasons := []stream.StopReason{stream.StopDatabaseBehind}
				return a.repair(ctx, r, &t, reasons, func(partition int32) (string, error) {
					first, next, err := r.Import(ctx, partition, payments.Published())
					return fmt.Sprintf("imported positions %d to %d", first, next-1), err
				})
			})
		},
	}
	a.addConfigFlags(cmd)
	t.addRole(cmd)
	t.addFlags(cmd)
	return cmd
}
