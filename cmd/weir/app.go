package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/telemetry"
)

// app is what the subcommands share: where they print, and how they get configuration and log.
type app struct {
	out, errOut io.Writer
	environ     []string

	understood bool // the command line was parsed and a command begins
}

// one takes exactly one argument; what says of which kind, with an example.
func one(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return errors.New("want one " + what)
		}
		return nil
	}
}

// errConfiguration marks an error of the configuration that is not of one key, such as a file that cannot be read.
var errConfiguration = errors.New("configuration")

// usageError is an error of what the command line says, found before anything was done.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// configFlag is a flag that sets one key.
type configFlag struct{ name, key, usage string }

func configFlags() []configFlag {
	return []configFlag{
		{"brokers", "kafka.brokers", "Kafka brokers, host:port separated by commas; without them an embedded one"},
		{"data-dir", "data_dir", "directory of what is embedded"},
		{"database-url", "database.url", "postgres:// URL of CockroachDB or PostgreSQL; without it an embedded one"},
		{"log-level", "log.level", "debug, info, warn or error"},
	}
}

// addConfigFlags gives a command the flags of the configuration. Others that set a key may be added with keyFlag.
func (a *app) addConfigFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.String("config", "", "configuration file (default $"+config.ConfigVariable+", else weir.yaml where it exists)")
	flags.StringArray("set", nil, "set one key, such as --set api.wait=2s; may be repeated")
	for _, f := range configFlags() {
		keyFlag(cmd, f.name, f.key, f.usage)
	}
}

const keyAnnotation = "config-key"

// keyFlag adds a flag that sets a key of the configuration.
func keyFlag(cmd *cobra.Command, name, key, usage string) {
	cmd.Flags().String(name, "", usage)
	cmd.Flags().Lookup(name).Annotations = map[string][]string{keyAnnotation: {key}}
}

// configuration loads what the file, the environment and the command's flags say, for a command that runs roles.
func (a *app) configuration(cmd *cobra.Command) (*config.Config, error) { return a.load(cmd, false) }

// toolConfiguration does so for a command that runs none: what only roles need may be missing.
func (a *app) toolConfiguration(cmd *cobra.Command) (*config.Config, error) { return a.load(cmd, true) }

func (a *app) load(cmd *cobra.Command, tool bool) (*config.Config, error) {
	file, _ := cmd.Flags().GetString("config") // "" where the command has no such flag
	if file == "" {
		file = config.FileFromEnvironment(a.getenv)
	}
	settings, err := flagSettings(cmd)
	if err != nil {
		return nil, err
	}
	c, err := config.Load(config.Sources{File: file, Environ: a.environ, Flags: settings, Tool: tool})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errConfiguration, err)
	}
	return c, nil
}

func flagSettings(cmd *cobra.Command) ([]config.Setting, error) {
	pairs, _ := cmd.Flags().GetStringArray("set") // nil where the command has no such flag
	var settings []config.Setting
	for _, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, fmt.Errorf("%w: flag --set: want key=value, such as api.wait=2s", errConfiguration)
		}
		settings = append(settings, config.Setting{Key: key, Value: value, Flag: "--set"})
	}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if key := f.Annotations[keyAnnotation]; len(key) == 1 {
			settings = append(settings, config.Setting{Key: key[0], Value: f.Value.String(), Flag: "--" + f.Name})
		}
	})
	return settings, nil
}

func (a *app) getenv(name string) string {
	for _, variable := range a.environ {
		if key, value, _ := strings.Cut(variable, "="); key == name {
			return value
		}
	}
	return ""
}

// logger writes to standard error as the configuration says.
func (a *app) logger(c *config.Config) (*slog.Logger, error) {
	return telemetry.NewLogger(a.errOut, c.Log.Level, c.Log.Format)
}
