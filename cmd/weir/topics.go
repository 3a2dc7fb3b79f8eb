package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/reference"
	"github.com/weirhq/weir/topics"
)

// topicsTimeout bounds what a command asks of a cluster.
const topicsTimeout = time.Minute

func newTopicsCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "topics",
		Short: "List the topics, and create or check them on a cluster",
		Args:  noCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTopicsListCommand(a), newTopicsDescribeCommand(a), newTopicsCheckCommand(a), newTopicsApplyCommand(a),
		newTopicsSchemasCommand(a))
	return cmd
}

func newTopicsListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List every topic that weir reads or writes",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "TOPIC\tKEPT\tPUBLIC\tWRITTEN BY\tREAD BY")
			for _, t := range topics.Catalogue() {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", t.Name, kept(t), yesNo(t.Public), strings.Join(t.Writers, ", "), strings.Join(t.Readers, ", "))
			}
			return w.Flush()
		},
	}
}

func kept(t topics.Topic) string {
	switch {
	case t.Compacted:
		return "latest of each key"
	case t.Retention == 0:
		return "for ever"
	}
	return fmt.Sprintf("%d days", t.Retention/(24*time.Hour))
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func newTopicsDescribeCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "describe TOPIC",
		Short:             "Describe one topic: purpose, key, records, retention",
		Args:              one("topic, by its name: weir topics describe payments.events.v1"),
		ValidArgsFunction: completeTopics,
		RunE: func(_ *cobra.Command, args []string) error {
			t, ok := topics.Lookup(args[0])
			if !ok {
				return fmt.Errorf("%q is not a topic of weir; \"weir topics list\" names them", args[0])
			}
			return describeTopic(a.out, t)
		},
	}
}

func completeTopics(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, t := range topics.Catalogue() {
		if len(args) == 0 {
			names = append(names, t.Name+"\t"+t.Purpose)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func describeTopic(out io.Writer, t topics.Topic) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "topic\t%s\npurpose\t%s\nkey\t%s\nkept\t%s\n", t.Name, t.Purpose, t.Key, kept(t))
	for i, kind := range t.Types {
		fmt.Fprintf(w, "record\t%s (%s)\n", kind, valueName(t, i))
	}
	fmt.Fprintf(w, "written by\t%s\nread by\t%s\n", strings.Join(t.Writers, ", "), strings.Join(t.Readers, ", "))
	if t.DeadLetters != "" {
		fmt.Fprintf(w, "dead letters\t%s\n", t.DeadLetters)
	}
	fmt.Fprintf(w, "public\t%s\n", yesNo(t.Public))
	return w.Flush()
}

func valueName(t topics.Topic, i int) string {
	value := t.Value
	if len(t.Values) != 0 {
		value = t.Values[i]
	}
	if value == nil {
		return "bytes"
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", value), "topics.")
}

func newTopicsCheckCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Compare a cluster's topics with what they should be; change nothing",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withCluster(cmd, func(ctx context.Context, adm *kadm.Client, c *config.Config) error {
				differences, err := broker.CheckTopics(ctx, adm, c.Kafka.Partitions, c.Kafka.Replication)
				if err != nil {
					return err
				}
				for _, d := range differences {
					fmt.Fprintln(a.out, d)
				}
				if len(differences) > 0 {
					return errProblems
				}
				fmt.Fprintf(a.out, "%d topics are as they should be\n", len(topics.Catalogue()))
				return nil
			})
		},
	}
	a.addConfigFlags(cmd)
	return cmd
}

func newTopicsApplyCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "apply",
		Short: "Create the topics that a cluster lacks and set their configurations",
		Long: `Create the topics that a cluster lacks and set their configurations. The number of partitions of a topic is never
changed: where it differs, nothing at all is done.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withCluster(cmd, func(ctx context.Context, adm *kadm.Client, c *config.Config) error {
				if err := broker.ApplyTopics(ctx, adm, c.Kafka.Partitions, c.Kafka.Replication); err != nil {
					return err
				}
				_, err := fmt.Fprintf(a.out, "%d topics are as they should be\n", len(topics.Catalogue()))
				return err
			})
		},
	}
	a.addConfigFlags(cmd)
	return cmd
}

func newTopicsSchemasCommand(a *app) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "schemas",
		Short: "Write the JSON Schemas of all records and the AsyncAPI document",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			files, err := reference.Topics()
			if err != nil {
				return err
			}
			if err := reference.Write(dir, files); err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.out, "%d documents written below %s\n", len(files), dir)
			return err
		},
	}
	cmd.Flags().StringVar(&dir, "out", ".", "directory to write to")
	return cmd
}

// withCluster calls f with a client of the configured cluster.
func (a *app) withCluster(cmd *cobra.Command, f func(context.Context, *kadm.Client, *config.Config) error) error {
	c, err := a.toolConfiguration(cmd)
	if err != nil {
		return err
	}
	if len(c.Kafka.Brokers) == 0 {
		return &config.Error{Key: "kafka.brokers", Problem: "is empty; want the brokers of a cluster (--brokers). The embedded broker makes its topics itself"}
	}
	log, err := a.logger(c)
	if err != nil {
		return err
	}
	cluster := brokerConfig(c)
	if err := cluster.Validate(); err != nil {
		return fmt.Errorf("%w: %w", errConfiguration, err)
	}
	client, err := kgo.NewClient(cluster.Options(log)...)
	if err != nil {
		return fmt.Errorf("connect to Kafka: %w", err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(cmd.Context(), topicsTimeout)
	defer cancel()
	return f(ctx, kadm.NewClient(client), c)
}

// brokerConfig is how the configuration says that the cluster is reached.
func brokerConfig(c *config.Config) broker.Config {
	return broker.Config{
		Brokers: c.Kafka.Brokers, ClientID: c.Kafka.ClientID,
		TLS: c.Kafka.TLS.Enabled, CA: c.Kafka.TLS.CA, Certificate: c.Kafka.TLS.Certificate, Key: c.Kafka.TLS.Key,
		Mechanism: c.Kafka.SASL.Mechanism, User: c.Kafka.SASL.User, Password: c.Kafka.SASL.Password.Reveal(),
	}
}
