package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/weirhq/weir/internal/config"
)

// Exit codes.
const (
	exitOK      = 0
	exitProblem = 1 // something failed, or a check found something
	exitUsage   = 2 // the command line or the configuration is wrong; nothing was done
)

// errProblems is returned by a command that has found problems and has printed them itself.
var errProblems = errors.New("problems found")

// newRootCommand puts the subcommands together.
func newRootCommand(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "weir",
		Short: "Risk and ledger engine for payments over Kafka",
		Long: `weir takes payment commands from Kafka or over HTTP, applies risk rules, drives each payment at its provider,
and posts every movement of money once to a double-entry ledger.

Without configuration everything it needs is embedded. Exit status: 0 fine, 1 a problem, 2 wrong usage or configuration.`,
		SilenceErrors: true, // printed once, by run
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			// Cobra would check these later; a flag that is missing is wrong usage.
			if err := errors.Join(cmd.ValidateRequiredFlags(), cmd.ValidateFlagGroups()); err != nil {
				return err
			}
			a.understood = true
			return nil
		},
	}
	root.SetFlagErrorFunc(flagError)
	root.AddGroup(&cobra.Group{ID: groupServe, Title: "Run:"}, &cobra.Group{ID: groupInspect, Title: "Inspect and repair:"})
	root.SetHelpCommandGroupID(groupOther)
	root.SetCompletionCommandGroupID(groupOther)
	root.AddGroup(&cobra.Group{ID: groupOther, Title: "Other:"})
	for group, commands := range map[string][]*cobra.Command{
		groupServe:   {newRunCommand(a), newDemoCommand(a), newBenchCommand(a), newSandboxCommand()},
		groupInspect: {newConfigCommand(a), newPSPCommand(a), newRulesCommand(a), newRoutesCommand(a), newTopicsCommand(a), newFsckCommand(a), newRecoverCommand(a), newDeadLettersCommand(a), newWebhooksCommand(a), newPaymentCommand(a), newPayoutCommand(a), newDisputeCommand(a), newLinksCommand(a), newLimitsCommand(a), newCustomersCommand(a), newLedgerCommand(a), newListsCommand(a), newAMLCommand(a), newScreenCommand(a)},
		groupOther:   {newVersionCommand(a)},
	} {
		for _, command := range commands {
			command.GroupID = group
			root.AddCommand(command)
		}
	}
	return root
}

const (
	groupServe   = "serve"
	groupInspect = "inspect"
	groupOther   = "other"
)

// run executes a command line and returns the exit code. An error is printed here and nowhere else.
func run(ctx context.Context, a *app, args []string) int {
	root := newRootCommand(a)
	root.SetArgs(args)
	root.SetOut(a.out)
	root.SetErr(a.errOut)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	if !errors.Is(err, errProblems) {
		fmt.Fprintf(a.errOut, "weir: %v\n", err)
	}
	var wrong *config.Error
	var usage usageError
	switch {
	case !a.understood:
		fmt.Fprintln(a.errOut, `Run "weir --help" for usage.`)
		return exitUsage
	case errors.As(err, &wrong), errors.As(err, &usage), errors.Is(err, errConfiguration):
		return exitUsage
	}
	return exitProblem
}
