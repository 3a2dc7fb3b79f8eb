package webhooks_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/processors/webhooks"
	"github.com/weirhq/weir/topics"
)

const (
	partitions = 4
	payment    = "pay_0003_0198c0de0198700a800a0198c0de0001"
)

// echo maps a body that is a payment id to an approval of it.
type echo struct{}

var errOdd = fmt.Errorf("webhook of acquirer: %w", topics.ErrUnknownEvent)

func (echo) Webhook(body []byte) (topics.PSPReport, error) {
	if string(body) == "odd" {
		return topics.PSPReport{}, errOdd
	}
	// A text such as "ref:pi_1" is what the PSP calls its payment; "shop:7:pi_1" names a merchant reference that is not ours, too.
	id, reference := string(body), ""
	if rest, ok := strings.CutPrefix(id, "ref:"); ok {
		id, reference = "", rest
	} else if rest, ok := strings.CutPrefix(id, "shop:7:"); ok {
		id, reference = "7", rest
	}
	return topics.PSPReport{
		PSPReference: reference,
		ReportID:     topics.WebhookReportID("acquirer", "evt_"+string(body)), Source: topics.SourceWebhook, PSP: "acquirer",
		PaymentID: id, Operation: topics.OperationAuthorize, Outcome: topics.PSPApproved,
		OccurredAt: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC),
	}, nil
}

// raw is a webhook as the API writes it.
func raw(psp, body string) stream.Record {
	envelope := topics.WebhookEnvelope(psp, "msg_1", "trace", time.Unix(1_700_000_000, 0))
	return stream.Record{
		Value:   []byte(body),
		Headers: append(envelope.Headers(), topics.Header{Key: topics.HeaderVerified, Value: []byte("true")}),
	}
}

func TestMap(t *testing.T) {
	mappers := webhooks.Mappers{"acquirer": echo{}}
	report, err := mappers.Map(raw("acquirer", payment))
	if err != nil || report.PaymentID != payment || report.TraceID != "trace" || !report.OccurredAt.IsZero() {
		t.Fatalf("Map: %+v, %v", report, err)
	}
	again, err := mappers.Map(raw("acquirer", payment))
	if err != nil || again != report {
		t.Errorf("delivered again: %+v, %v; want the same report", again, err)
	}
}

func TestWebhooksThatDoNotMap(t *testing.T) {
	mappers := webhooks.Mappers{"acquirer": echo{}, "other": echo{}}
	unverified := raw("acquirer", payment)
	unverified.Headers = unverified.Headers[:len(unverified.Headers)-1]
	denied := raw("acquirer", payment)
	denied.Headers[len(denied.Headers)-1].Value = []byte("false")
	for name, c := range map[string]struct {
		record stream.Record
		want   string
	}{
		"not verified":      {unverified, "not verified"},
		"verified is false": {denied, "not verified"},
		"unknown PSP":       {raw("nobody", payment), `no PSP "nobody"`},
		"unknown event":     {raw("acquirer", "odd"), "unknown kind of event"},
		"mapped to another": {raw("other", payment), "mapped to a report of"},
		"NUL in a name":     {raw("acquirer", "ref:a\x00b"), `reference "a\x00b" holds a NUL`},
		"no text":           {raw("acquirer", "ref:a\xffb"), "is no UTF-8"},
		"no envelope":       {stream.Record{Value: []byte(payment)}, "not verified"},
	} {
		t.Run(name, func(t *testing.T) {
			if report, err := mappers.Map(c.record); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%+v, %v; want an error with %q", report, err, c.want)
			}
		})
	}
}

func TestFirstSeen(t *testing.T) {
	now := time.Unix(1_700_000_000, 0).UTC()
	for header, want := range map[string]time.Time{
		"": now, "2023-11-01T00:00:00Z": time.Date(2023, 11, 1, 0, 0, 0, 0, time.UTC), "2099-01-01T00:00:00Z": now, "yesterday": {},
	} {
		r := stream.Record{Time: now}
		if header != "" {
			r.Headers = []topics.Header{{Key: topics.HeaderFirstSeen, Value: []byte(header)}}
		}
		if got := webhooks.FirstSeen(r); !got.Equal(want) {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	if _, err := webhooks.New(webhooks.Config{Kafka: []kgo.Opt{kgo.SeedBrokers("127.0.0.1:1")}}); err == nil {
		t.Error("a normaliser without partitions, mappers and database was accepted")
	}
}
