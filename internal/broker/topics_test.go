package broker_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"golang.org/x/sync/errgroup"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/topics"
)

const partitions = 2

func TestApplyRefusesAnotherNumberOfPartitions(t *testing.T) {
	adm := brokertest.New(t, partitions).Admin(t)
	err := broker.ApplyTopics(t.Context(), adm, partitions+1, 1)
	if !errors.Is(err, broker.ErrPartitions) || !strings.Contains(err.Error(), "topic "+topics.Inbox+": partitions is 2, want 3") {
		t.Fatalf("error is %v, want one that names the topic and both numbers", err)
	}
	differences, err := broker.CheckTopics(t.Context(), adm, partitions, 1)
	if err != nil || len(differences) != 0 {
		t.Fatalf("the refused change left %v, %v", differences, err)
	}
}

func TestApplyCreatesWhatIsMissingAndSetsWhatDiffers(t *testing.T) {
	adm := brokertest.New(t, partitions).Admin(t)
	if _, err := adm.DeleteTopic(t.Context(), topics.Decisions); err != nil {
		t.Fatal(err)
	}
	other := "1000"
	altered, err := adm.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: &other}}, topics.Events)
	if err != nil || altered[0].Err != nil {
		t.Fatal(err, altered)
	}
	var seen []string
	for len(seen) < 2 { // a cluster needs a moment to forget a topic
		differences, err := broker.CheckTopics(t.Context(), adm, partitions, 1)
		if err != nil {
			t.Fatal(err)
		}
		seen = nil
		for _, d := range differences {
			seen = append(seen, d.String())
		}
	}
	want := []string{
		"topic payments.events.v1: retention.ms is 1000, want -1",
		"topic risk.decisions.v1: topic is missing, want present",
	}
	if strings.Join(seen, "\n") != strings.Join(want, "\n") {
		t.Fatalf("differences are\n%s\nwant\n%s", strings.Join(seen, "\n"), strings.Join(want, "\n"))
	}
	if err := broker.ApplyTopics(t.Context(), adm, partitions, 1); err != nil {
		t.Fatal(err)
	}
	differences, err := broker.CheckTopics(t.Context(), adm, partitions, 1)
	if err != nil || len(differences) != 0 {
		t.Fatalf("after applying there are still %v, %v", differences, err)
	}
}

func TestProcessesThatStartTogetherApplyTopicsOnce(t *testing.T) {
	b := brokertest.New(t, partitions)
	for _, topic := range topics.Catalogue() {
		if b.Cluster != nil { // deleting all of them takes a real cluster long
			if err := b.Cluster.DeleteTopic(topic.Name); err != nil {
				t.Fatal(err)
			}
		}
	}
	var group errgroup.Group
	for range 4 {
		adm := b.Admin(t)
		group.Go(func() error { return broker.ApplyTopics(t.Context(), adm, partitions, 1) })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}
