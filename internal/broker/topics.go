package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"golang.org/x/sync/errgroup"

	"github.com/weirhq/weir/topics"
)

const (
	// MaxMessageBytes is the largest record batch, and so the largest record, that a topic takes.
	MaxMessageBytes = 1 << 20

	topicsLimit    = 2 * time.Minute       // for what was applied to be seen
	topicsInterval = 50 * time.Millisecond // between two looks
	safeReplicas   = 3                     // from here on a write is acknowledged by two replicas
)

// Difference is one way in which the cluster is not what the catalogue says.
type Difference struct {
	Topic   string
	Setting string // "topic", "partitions" or the name of a configuration
	Have    string
	Want    string
}

func (d Difference) String() string {
	return fmt.Sprintf("topic %s: %s is %s, want %s", d.Topic, d.Setting, d.Have, d.Want)
}

// ErrPartitions is wrapped by the error of ApplyTopics when a topic has another number of partitions. That number is
// fixed for a topic's life: a customer's records would change places.
var ErrPartitions = errors.New("the number of partitions is fixed for a topic's life")

// CheckTopics compares the cluster with the catalogue and changes nothing. No difference is an empty result.
func CheckTopics(ctx context.Context, adm *kadm.Client, partitions int32, replication int16) ([]Difference, error) {
	catalogue := topics.Catalogue()
	names := make([]string, len(catalogue))
	for i, topic := range catalogue {
		names[i] = topic.Name
	}
	have, err := listTopics(ctx, adm, names...)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	var existing []string
	for _, name := range names {
		if have.Has(name) {
			existing = append(existing, name)
		}
	}
	settings, err := describe(ctx, adm, existing)
	if err != nil {
		return nil, err
	}
	var differences []Difference
	for _, topic := range catalogue {
		detail := have[topic.Name]
		if _, described := settings[topic.Name]; !described {
			if detail.Err != nil && !errors.Is(detail.Err, kerr.UnknownTopicOrPartition) {
				return nil, fmt.Errorf("topic %s: %w", topic.Name, detail.Err)
			}
			differences = append(differences, Difference{topic.Name, "topic", "missing", "present"})
			continue
		}
		if count := len(detail.Partitions); int32(count) != partitions {
			differences = append(differences, Difference{topic.Name, "partitions", strconv.Itoa(count), strconv.Itoa(int(partitions))})
		}
		want := configuration(topic, replication)
		for _, setting := range slices.Sorted(maps.Keys(want)) {
			if got := settings[topic.Name][setting]; got != *want[setting] {
				differences = append(differences, Difference{topic.Name, setting, cmp.Or(got, "not set"), *want[setting]})
			}
		}
	}
	return differences, nil
}

// ApplyTopics creates what the catalogue names and the cluster lacks, and sets the configurations that the catalogue
// gives; others are left alone. It changes nothing at all when a topic has another number of partitions. Replication -1
// is the cluster's default. Processes that start together may all call it.
func ApplyTopics(ctx context.Context, adm *kadm.Client, partitions int32, replication int16) error {
	differences, err := CheckTopics(ctx, adm, partitions, replication)
	if err != nil {
		return err
	}
	var refused []error
	for _, d := range differences {
		if d.Setting == "partitions" {
			refused = append(refused, errors.New(d.String()))
		}
	}
	if len(refused) > 0 {
		return fmt.Errorf("%w: %w", ErrPartitions, errors.Join(refused...))
	}
	group, groupCtx := errgroup.WithContext(ctx)
	for _, d := range differences {
		group.Go(func() error {
			if d.Setting != "topic" {
				return alterTopic(groupCtx, adm, d)
			}
			topic, _ := topics.Lookup(d.Topic)
			return createTopic(groupCtx, adm, topic, partitions, replication)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return awaitTopics(ctx, adm, partitions, replication)
}

func createTopic(ctx context.Context, adm *kadm.Client, topic topics.Topic, partitions int32, replication int16) error {
	_, err := adm.CreateTopic(ctx, partitions, replication, configuration(topic, replication), topic.Name)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("create topic %s: %w", topic.Name, err)
	}
	return nil
}

func alterTopic(ctx context.Context, adm *kadm.Client, d Difference) error {
	responses, err := adm.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: d.Setting, Value: &d.Want}}, d.Topic)
	if err == nil {
		_, err = responses.On(d.Topic, func(r *kadm.AlterConfigsResponse) error { return r.Err })
	}
	if err != nil {
		return fmt.Errorf("topic %s: set %s to %s: %w", d.Topic, d.Setting, d.Want, err)
	}
	return nil
}

// configuration is what the catalogue gives a topic. With fewer than safeReplicas replicas one is enough to acknowledge.
func configuration(topic topics.Topic, replication int16) map[string]*string {
	cleanup, retention, insync := "delete", "-1", "1"
	if topic.Compacted {
		cleanup = "compact"
	}
	if topic.Retention > 0 {
		retention = strconv.FormatInt(topic.Retention.Milliseconds(), 10)
	}
	if replication >= safeReplicas {
		insync = "2"
	}
	return map[string]*string{
		"cleanup.policy":         &cleanup,
		"retention.ms":           &retention,
		"min.insync.replicas":    &insync,
		"max.message.bytes":      kadm.StringPtr(strconv.Itoa(MaxMessageBytes)),
		"message.timestamp.type": kadm.StringPtr("LogAppendTime"),
	}
}

// describe returns the configurations of those topics that exist: one that was listed may have been deleted since.
func describe(ctx context.Context, adm *kadm.Client, names []string) (map[string]map[string]string, error) {
	settings := map[string]map[string]string{}
	if len(names) == 0 {
		return settings, nil
	}
	described, err := adm.DescribeTopicConfigs(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("describe topics: %w", err)
	}
	for _, resource := range described {
		if errors.Is(resource.Err, kerr.UnknownTopicOrPartition) {
			continue
		}
		if resource.Err != nil {
			return nil, fmt.Errorf("describe topic %s: %w", resource.Name, resource.Err)
		}
		settings[resource.Name] = map[string]string{}
		for _, config := range resource.Configs {
			settings[resource.Name][config.Key] = config.MaybeValue()
		}
	}
	return settings, nil
}

// awaitTopics returns when the cluster shows what was applied and every partition has a leader: brokers learn of both a
// moment after the controller.
func awaitTopics(ctx context.Context, adm *kadm.Client, partitions int32, replication int16) error {
	ctx, cancel := context.WithTimeout(ctx, topicsLimit)
	defer cancel()
	tick := time.NewTicker(topicsInterval)
	defer tick.Stop()
	for {
		pending, err := unsettled(ctx, adm, partitions, replication)
		if err == nil && pending == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("topics are not as applied: %w", errors.Join(ctx.Err(), pending, err))
		case <-tick.C:
		}
	}
}

// unsettled returns, as the first result, what the cluster does not show yet.
func unsettled(ctx context.Context, adm *kadm.Client, partitions int32, replication int16) (pending, err error) {
	differences, err := CheckTopics(ctx, adm, partitions, replication)
	if err != nil {
		return nil, err
	}
	if len(differences) > 0 {
		return errors.New(differences[0].String()), nil
	}
	have, err := listTopics(ctx, adm)
	if err != nil {
		return nil, err
	}
	for _, topic := range topics.Catalogue() {
		for _, partition := range have[topic.Name].Partitions {
			if partition.Err != nil || partition.Leader < 0 {
				return fmt.Errorf("topic %s: partition %d has no leader", topic.Name, partition.Partition), nil
			}
		}
	}
	return nil, nil
}

// listTopics asks the cluster. Without the authorized operations the client would answer from what it knew seconds ago.
func listTopics(ctx context.Context, adm *kadm.Client, names ...string) (kadm.TopicDetails, error) {
	return adm.ListTopics(kadm.WithAuthorizedOps(ctx), names...)
}
