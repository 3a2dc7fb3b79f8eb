package main

import (
	"crypto/rand"
	"fmt"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"
)

func newKeygenCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "keygen NAME",
		Short: "Make a pair of keys for checkpoints of the ledger",
		Long: `Make an Ed25519 pair of keys in the note format and print both. NAME says whose ledger it is, such as weir/production; it
begins the first line of each checkpoint. The first key signs: give it to the engine as ledger.checkpoint_key, by
the environment (WEIR_LEDGER__CHECKPOINT_KEY) or a file that nobody else reads. The second one is for everybody who verifies.`,
		Args: one("name of the signer: weir ledger keygen weir/production"),
		RunE: func(_ *cobra.Command, args []string) error {
			private, public, err := note.GenerateKey(rand.Reader, args[0])
			if err == nil {
				_, err = note.NewSigner(private)
			}
			if err != nil {
				return fmt.Errorf("%w: name %q: want one without spaces and plus signs, such as weir/production", errConfiguration, args[0])
			}
			_, err = fmt.Fprintf(a.out, "private: %s\npublic:  %s\n", private, public)
			return err
		},
	}
}
