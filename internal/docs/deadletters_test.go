package docs

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// breakRecords has one record of two topics put aside.
func (w *world) breakRecords(t *testing.T) {
	t.Helper()
	client, err := kgo.NewClient(append(w.engine.Kafka, kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, topic := range []string{topics.Commands, topics.PSPWebhooks} {
		record := &kgo.Record{Topic: topic, Key: []byte("cus_broken"), Value: []byte("this is no record"),
			Headers: []kgo.RecordHeader{{Key: topics.HeaderVerified, Value: []byte("true")}}}
		if err := client.ProduceSync(t.Context(), record).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	w.awaitRecords(t, topics.CommandsDeadLetters, 1)
	w.awaitRecords(t, topics.PSPWebhooksDeadLetters, 1)
}

// awaitRecords waits until the first partition of a topic holds as many records.
func (w *world) awaitRecords(t *testing.T, topic string, want int64) {
	t.Helper()
	client, err := kgo.NewClient(w.engine.Kafka...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var end kadm.ListedOffset
	if !await(func() bool {
		ends, err := kadm.NewClient(client).ListEndOffsets(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		end, _ = ends.Lookup(topic, 0)
		return end.Offset == want
	}) {
		t.Fatalf("%s ends at %d, want %d", topic, end.Offset, want)
	}
}

// checkDeadLetters looks at what the snippets do: one lists, the other writes back to psp.webhooks.v1, from where the
// record, which is no better for it, is put aside again.
func (w *world) checkDeadLetters(t *testing.T, text, out string) {
	t.Helper()
	if strings.Contains(text, "replay") {
		w.awaitRecords(t, topics.PSPWebhooksDeadLetters, 2)
		return
	}
	for _, want := range []string{topics.CommandsDeadLetters + ":0:0", string(topics.RefusedUndecodable), `{"letter":"` + topics.CommandsDeadLetters + `:0:0"`} {
		if !strings.Contains(out, want) {
			t.Errorf("the list of dead letters is without %s:\n%s", want, out)
		}
	}
}
