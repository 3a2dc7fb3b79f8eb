package stream

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// BenchmarkFold folds additions, each of which publishes 1.5 records on average: the cost of the runtime itself, with an
// embedded broker in memory and the database of the tests.
func BenchmarkFold(b *testing.B) {
	bench := newBench(b, 4)
	n := max(b.N, 1000)
	records := make([]*kgo.Record, n)
	for i := range records {
		records[i] = &kgo.Record{Topic: topics.Inbox, Partition: int32(i % 4), Key: fmt.Appendf(nil, "k%d", i%500),
			Value: fmt.Appendf(nil, "add %d", i%5)}
	}
	if err := bench.client.ProduceSync(b.Context(), records...).FirstErr(); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	fold, _ := bench.start(func(c *FoldConfig) { c.Limits = Limits{} })
	waitFor(b, "everything is published", func() bool {
		done := int64(0)
		for _, s := range fold.Status() {
			done += max(s.Published, 0)
		}
		return done == int64(n)
	})
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}
