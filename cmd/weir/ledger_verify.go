package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/mod/sumdb/note"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/proof"
	"github.com/weirhq/weir/ledger/chain"
)

// verifyFlags are what weir ledger verify is told.
type verifyFlags struct {
	partition    int32
	file         string
	keys         []string
	databaseOnly bool
}

func newVerifyCommand(a *app) *cobra.Command {
	var flags verifyFlags
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Recompute the hash chain of the ledger and name each row that was changed, is missing or was put in",
		Long: `Recompute the hash chain of each partition from the rows of the ledger, and the id of each account from its fields. The
first row whose link does not fit is compared with the log, which says what it was; see docs/ledger-proof.md.

Signed checkpoints show that the chain as a whole was not computed anew. They are read from their topic, or from a file
that was kept elsewhere (--checkpoints), and verified with the keys that are given; without --key with the one that
belongs to ledger.checkpoint_key. A partition that never had a record is not counted. It changes nothing, needs little memory whatever the size, and works while the engine
runs and while it is stopped. Exit status 1 if anything is wrong.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("partition") && flags.partition < 0 {
				return fmt.Errorf("%w: flag --partition: want a number from 0 on", errConfiguration)
			}
			return a.withDatabase(cmd, func(ctx context.Context, db *database.DB, c *config.Config, log *slog.Logger) error {
				verifiers, err := flags.verifiers(c)
				if err != nil {
					return err
				}
				check := proof.Config{Database: db, Partition: flags.partition, Counts: new(proof.Counts)}
				switch {
				case flags.file != "" && len(verifiers) == 0:
					return fmt.Errorf("%w: flag --checkpoints: want the public key that they are signed with, too: --key", errConfiguration)
				case flags.file != "":
					if check.Checkpoints, err = proof.FromFile(flags.file, verifiers...); err != nil {
						return err
					}
					return a.verify(ctx, check)
				case flags.databaseOnly || len(verifiers) == 0:
					missing := "without --key"
					if flags.databaseOnly {
						missing = "with --database-only"
					}
					fmt.Fprintf(a.out, "note: %s no signed checkpoints are compared, so a chain that was computed anew as a whole is not found\n", missing)
					return a.verify(ctx, check)
				}
				return a.withBroker(c, log, func(kafka []kgo.Opt) error {
					check.Checkpoints = proof.FromTopic(kafka, verifiers...)
					return a.verify(ctx, check)
				})
			})
		},
	}
	a.addConfigFlags(cmd)
	cmd.Flags().Int32Var(&flags.partition, "partition", proof.AllPartitions, "only this partition")
	cmd.Flags().Lookup("partition").DefValue = "all"
	cmd.Flags().StringVar(&flags.file, "checkpoints", "", "file of checkpoints that were kept, one after the other; without it their topic is read")
	cmd.Flags().StringArrayVar(&flags.keys, "key", nil, "public key that checkpoints are signed with; may be repeated")
	cmd.Flags().BoolVar(&flags.databaseOnly, "database-only", false, "leave the topic of checkpoints out")
	return cmd
}

// verifiers are those of the keys that were given, or else of the engine's own.
func (f *verifyFlags) verifiers(c *config.Config) (all []note.Verifier, err error) {
	keys, what := f.keys, "flag --key: want a public key as weir ledger keygen prints it"
	if secret := c.Ledger.CheckpointKey; len(keys) == 0 && secret != "" {
		what = "ledger.checkpoint_key: want a private key as weir ledger keygen prints it"
		public, err := chain.PublicKey(secret.Reveal())
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", errConfiguration, what, err)
		}
		keys = []string{public}
	}
	for _, key := range keys {
		verifier, err := note.NewVerifier(key)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", errConfiguration, what, err)
		}
		all = append(all, verifier)
	}
	return all, nil
}

// verify runs the check and prints what it finds.
func (a *app) verify(ctx context.Context, check proof.Config) error {
	check.Problem = func(p proof.Problem) { fmt.Fprintln(a.out, p) }
	check.Note = func(note string) { fmt.Fprintln(a.out, "note:", note) }
	stop := meanwhile(func() { showVerified(a.errOut, check.Counts) })
	_, err := proof.Verify(ctx, check)
	stop()
	if errors.Is(err, proof.ErrNoPartition) {
		return usageError{fmt.Errorf("flag --partition: %w", err)}
	}
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	problems := check.Counts.Problems.Load()
	if _, err := fmt.Fprintf(a.out, "checked: %s\nverify: %s\n", check.Counts, counted(int(problems), "problem")); err != nil {
		return err
	}
	if problems > 0 {
		return errProblems
	}
	return nil
}

func showVerified(out io.Writer, counts *proof.Counts) {
	fmt.Fprintf(out, "verify: %d of %d partitions; %d entries; %s so far\n", counts.Done.Load(), counts.Partitions.Load(),
		counts.Entries.Load(), counted(int(counts.Problems.Load()), "problem"))
}
