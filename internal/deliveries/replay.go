package deliveries

import (
	"fmt"
	"time"

	"github.com/weirhq/weir/internal/deadletters"
	"github.com/weirhq/weir/processors/webhooks"
	"github.com/weirhq/weir/topics"
)

// Refusal says why a delivery is not written again, "" where it may be. It goes the way that it went before: what it says is
// taken once, by the id of the PSP's event, for as long as ids are remembered.
func (d *Delivery) Refusal(now time.Time) string {
	record := recordOf(d.record)
	verified := false
	for _, h := range record.Headers {
		verified = verified || h.Key == topics.HeaderVerified && string(h.Value) == "true"
	}
	if !verified {
		return "it does not say that its signature was verified: it would only be put aside again"
	}
	if seen := webhooks.FirstSeen(record); now.Sub(seen) >= topics.DedupHorizon {
		return fmt.Sprintf("it was received at %s, and ids are remembered for %d days: it could be taken twice", seen.UTC().Format(time.RFC3339), topics.DedupHorizon/(24*time.Hour))
	}
	return ""
}

// Again is the delivery in the form in which deadletters.Writer writes it again.
func (d *Delivery) Again() *deadletters.Letter {
	r := d.record
	l := &deadletters.Letter{ID: deadletters.ID{Topic: topics.PSPWebhooks, Partition: r.Partition, Offset: r.Offset}, PutAside: r.Timestamp.UTC(),
		Record: topics.DeadLetter{Topic: topics.PSPWebhooks, Partition: r.Partition, Offset: r.Offset, Time: r.Timestamp, Key: r.Key, Value: r.Value}}
	for _, h := range r.Headers {
		l.Record.Headers = append(l.Record.Headers, topics.DeadLetterHeader{Key: h.Key, Value: h.Value})
	}
	return l
}
