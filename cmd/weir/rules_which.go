package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/ruletopic"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// deployedName is how a rule set that was deployed is named in the place of a path.
var deployedName = regexp.MustCompile(`^(live|candidate|proposed|[0-9a-f]{6,32})$`)

const whichSets = "A rule set is a file, a directory, or one that was deployed: live, candidate, proposed, or the first digits of its hash."

// ruleSets loads rule sets by their names: paths, or those that were deployed.
func (a *app) ruleSets(cmd *cobra.Command, names ...string) ([]*rules.Set, error) {
	var sets []*rules.Set
	err := a.withBook(cmd, names, func(book *ruletopic.Book) error {
		for _, name := range names {
			d, err := named(book, name)
			if err != nil {
				return err
			}
			var set *rules.Set
			if d == nil {
				set, err = loadRules(a, []string{name})
			} else if set, err = ruletopic.Unpack(d.Archive); err != nil {
				err = fmt.Errorf("the rule set %s cannot be used by this version: %w", d.RuleSet, err)
			}
			if err != nil {
				return err
			}
			sets = append(sets, set)
		}
		return nil
	})
	return sets, err
}

// withBook calls f with what is deployed where one of the names means that, with nil where all are paths.
func (a *app) withBook(cmd *cobra.Command, names []string, f func(*ruletopic.Book) error) error {
	deployed := false
	for _, name := range names {
		deployed = deployed || isDeployed(name)
	}
	if !deployed {
		return f(nil)
	}
	return a.withRuleTopic(cmd, func(ctx context.Context, kafka []kgo.Opt, c *config.Config) error {
		reader, err := ruletopic.NewReader(kafka, c.Risk.FourEyes)
		if err != nil {
			return err
		}
		defer reader.Close()
		book, _, err := reader.Read(ctx)
		if err != nil {
			return err
		}
		return f(book)
	})
}

// isDeployed tells whether a name means a rule set that was deployed: a path that exists is a path.
func isDeployed(name string) bool {
	_, err := os.Stat(name)
	return err != nil && deployedName.MatchString(name)
}

// named is the deployment of a name, nil where it is a path.
func named(book *ruletopic.Book, name string) (*topics.RuleDeployment, error) {
	if !isDeployed(name) {
		return nil, nil
	}
	d, ambiguous := book.Named(name)
	switch {
	case ambiguous:
		return nil, fmt.Errorf("several rule sets begin with %s; give more of the hash", name)
	case d == nil && name == topics.RulesProposed:
		return nil, errors.New("no rule set waits for approval")
	case d == nil:
		return nil, fmt.Errorf("no rule set %s was deployed; weir rules history lists those that were", name)
	}
	return d, nil
}

// printText prints the files of a rule set that was deployed, each under its name.
func (a *app) printText(cmd *cobra.Command, name string) error {
	if !isDeployed(name) {
		return usageError{fmt.Errorf("--text prints a rule set that was deployed, and %s is a path", name)}
	}
	return a.withBook(cmd, []string{name}, func(book *ruletopic.Book) error {
		d, err := named(book, name)
		if err != nil {
			return err
		}
		files, err := ruletopic.Files(d.Archive)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.out, "# rule set %s of %s: %s\n", d.RuleSet, d.Author, d.Comment)
		for _, f := range files {
			if _, err := fmt.Fprintf(a.out, "\n# file %s\n%s", f.Name, f.Text); err != nil {
				return err
			}
		}
		return nil
	})
}

// rulesAt loads the rule set at paths, or the built-in one, and says then that it is that.
func rulesAt(a *app, paths []string) (*rules.Set, error) {
	if len(paths) == 0 {
		fmt.Fprintln(a.errOut, "no path was given: these are the rules that are built in")
	}
	return loadRules(a, paths)
}

// printWarnings prints what is right and may not be meant.
func printWarnings(out io.Writer, set *rules.Set) {
	tellWarnings(out, slices.Concat(set.Warnings(), ended(set, time.Now())))
}

func tellWarnings(out io.Writer, warnings rules.Problems) {
	switch len(warnings) {
	case 0:
	case 1:
		fmt.Fprintf(out, "%s\n\n1 warning, which keeps nothing from coming into force\n", warnings)
	default:
		fmt.Fprintf(out, "%s\n\n%d warnings, which keep nothing from coming into force\n", warnings, len(warnings))
	}
}

// ended are warnings of rules that were valid until a time that is over: their tests pass, and they never decide.
func ended(set *rules.Set, now time.Time) rules.Problems {
	var warnings rules.Problems
	for _, r := range set.Rules() {
		if r.Enabled && !r.ValidUntil.IsZero() && !r.ValidUntil.After(now) {
			warnings = append(warnings, rules.Problem{File: r.File, Line: r.Line, Column: 1, Hint: "write a later valid_until, or take the rule out",
				Message: fmt.Sprintf("rule %s was valid until %s, so it is never in force", r.Name, r.ValidUntil.Add(-1).UTC().Format(time.DateOnly))})
		}
	}
	return warnings
}
