package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/weirhq/weir/rules"
)

// flagError says what would be right where a flag cannot be read.
func flagError(cmd *cobra.Command, err error) error {
	if words := cmd.Flags().Args(); cmd.HasAvailableSubCommands() && len(words) > 0 {
		return unknownCommand(cmd, words[0]) // its flags are those of another command than the one that is meant
	}
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
		return withHint(err, rules.Suggest("--"+unknown.GetSpecifiedName(), names))
	}
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) && invalid.GetFlag().Value.Type() == "duration" {
		return fmt.Errorf("flag --%s: %q is no duration; want a number with its unit, such as 90s, 10m or 2h", invalid.GetFlag().Name, invalid.GetValue())
	}
	return err
}

func unknownCommand(cmd *cobra.Command, word string) error {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return withHint(fmt.Errorf("unknown command %q for %q", word, cmd.CommandPath()), rules.Suggest(word, names))
}

// withHint adds a name that comes near; a list of all names is what --help is for.
func withHint(err error, hint string) error {
	if !strings.HasPrefix(hint, "did you mean") {
		return err
	}
	return fmt.Errorf("%w; %s", err, hint)
}

// noCommand takes no arguments, of a command whose subcommands do the work.
func noCommand(cmd *cobra.Command, words []string) error {
	if len(words) > 0 {
		return unknownCommand(cmd, words[0])
	}
	return nil
}
