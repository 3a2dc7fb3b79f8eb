package psp_test

import (
	"fmt"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/processors/psp/sandbox"
	"github.com/weirhq/weir/topics"
)

// BenchmarkGateway performs one authorize-and-capture for each iteration: read from the topic, called over loopback
// HTTP, reported to the inbox and acknowledged. Broker, sandbox and gateway share the machine.
func BenchmarkGateway(b *testing.B) {
	w := newWorld(b, sandbox.Config{DataDir: b.TempDir()})
	records := make([]*kgo.Record, b.N)
	for i := range records {
		r := authorization(i+1, "tok_approved")
		id := topics.PaymentID{Partition: int32(i % partitions), UUID: uuid.NewV5(uuid.NamespaceURL, fmt.Sprint(i))}
		r.PaymentID, r.RequestID = id.String(), topics.EventID{Partition: id.Partition, Position: int64(i + 1)}.String()
		records[i] = requestRecord(b, r, i+1)
	}
	if err := w.out.ProduceSync(b.Context(), records...).FirstErr(); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	w.run(b, func(c *psp.Config) { c.CallTimeout = 0; c.SettleGrace = 0 })
	w.wait(b, b.N)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}

// BenchmarkAdapter is one call over loopback HTTP, the sandbox's own work included.
func BenchmarkAdapter(b *testing.B) {
	s := startSandbox(b, sandbox.Config{MaxPayments: 10_000})
	adapter := sandboxAdapter(b, s.URL())
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if report, err := adapter.Do(b.Context(), authorization(i, "tok_approved")); err != nil || report.Outcome != topics.PSPApproved {
			b.Fatal(report, err)
		}
	}
}
