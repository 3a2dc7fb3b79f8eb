package brokertest

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/topics"
)

func TestTopicsAreThereAndEmpty(t *testing.T) {
	b := New(t, 3)
	differences, err := broker.CheckTopics(t.Context(), b.Admin(t), 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		t.Error(d)
	}
	offsets, err := b.Admin(t).ListEndOffsets(t.Context(), topics.Inbox)
	if err != nil {
		t.Fatal(err)
	}
	for p := range int32(3) {
		if end, ok := offsets.Lookup(topics.Inbox, p); !ok || end.Err != nil || end.Offset != 0 {
			t.Errorf("partition %d of a fresh inbox ends at %+v, want 0", p, end)
		}
	}
	record := &kgo.Record{Topic: topics.Inbox, Value: []byte("x")}
	if err := b.Client(t).ProduceSync(t.Context(), record).FirstErr(); err != nil {
		t.Fatal(err)
	}
}
