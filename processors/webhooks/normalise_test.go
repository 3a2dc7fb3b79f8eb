package webhooks_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker/brokertest"
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

var errOdd = errors.New("an event that nobody knows")

func (echo) Webhook(body []byte) (topics.PSPReport, error) {
	if string(body) == "odd" {
		return topics.PSPReport{}, errOdd
	}
	return topics.PSPReport{
		ReportID: topics.WebhookReportID("acquirer", "evt_"+string(body)), Source: topics.SourceWebhook, PSP: "acquirer",
		Tenant: "acme", PaymentID: string(body), Operation: topics.OperationAuthorize, Outcome: topics.PSPApproved,
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

func TestNormalise(t *testing.T) {
	mappers := webhooks.Mappers{"acquirer": echo{}}
	report, partition, err := mappers.Normalise(raw("acquirer", payment), partitions)
	if err != nil || partition != 3 || report.PaymentID != payment || report.TraceID != "trace" || report.Tenant != "acme" || !report.OccurredAt.IsZero() {
		t.Fatalf("Normalise: %+v, %d, %v", report, partition, err)
	}
	again, _, err := mappers.Normalise(raw("acquirer", payment), partitions)
	if err != nil || again != report {
		t.Errorf("delivered again: %+v, %v; want the same report", again, err)
	}
}

func TestWebhooksThatAreSetAside(t *testing.T) {
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
		"unknown event":     {raw("acquirer", "odd"), errOdd.Error()},
		"no payment id":     {raw("acquirer", "order 17"), "merchant reference"},
		"foreign partition": {raw("acquirer", strings.Replace(payment, "0003", "0004", 1)), "partition 4 of 4"},
		"mapped to another": {raw("other", payment), "mapped to a report of"},
		"no envelope":       {stream.Record{Value: []byte(payment)}, "not verified"},
	} {
		t.Run(name, func(t *testing.T) {
			if report, _, err := mappers.Normalise(c.record, partitions); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%+v, %v; want an error with %q", report, err, c.want)
			}
		})
	}
}

func TestConfigIsChecked(t *testing.T) {
	if _, err := webhooks.New(webhooks.Config{Kafka: []kgo.Opt{kgo.SeedBrokers("127.0.0.1:1")}}); err == nil {
		t.Error("a normaliser without partitions and mappers was accepted")
	}
}

func TestFromTopicToInbox(t *testing.T) {
	b := brokertest.New(t, partitions)
	normaliser, err := webhooks.New(webhooks.Config{
		Kafka: b.Config.Options(slog.New(slog.DiscardHandler)), Mappers: webhooks.Mappers{"acquirer": echo{}}, Partitions: partitions,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- normaliser.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	out := b.Client(t)
	for _, body := range []string{payment, "odd", "old", payment} {
		record := &kgo.Record{Topic: topics.PSPWebhooks, Key: []byte("msg_1"), Value: []byte(body)}
		if body == "old" { // read again, after its id was forgotten
			record.Value, record.Timestamp = []byte(payment), time.Now().Add(-topics.DedupHorizon-time.Minute)
		}
		for _, h := range raw("acquirer", body).Headers {
			record.Headers = append(record.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		}
		if err := out.ProduceSync(t.Context(), record).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	in := b.Client(t, kgo.ConsumeTopics(topics.Inbox, topics.PSPWebhooksDeadLetters))
	var reports []topics.PSPReport
	var letters []topics.DeadLetter
	for len(reports)+len(letters) < 4 {
		fetches := in.PollFetches(t.Context())
		if t.Context().Err() != nil {
			t.Fatal(t.Context().Err())
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Topic == topics.PSPWebhooksDeadLetters {
				var letter topics.DeadLetter
				if err := topics.Unmarshal(r.Value, &letter); err != nil {
					t.Error(err)
				}
				letters = append(letters, letter)
				return
			}
			var report topics.PSPReport
			if err := topics.Unmarshal(r.Value, &report); err != nil || r.Partition != 3 {
				t.Errorf("partition %d: %v", r.Partition, err)
			}
			if !slices.ContainsFunc(r.Headers, func(h kgo.RecordHeader) bool {
				return h.Key == topics.HeaderType && string(h.Value) == topics.TypePSPReport
			}) {
				t.Errorf("headers %v", r.Headers)
			}
			reports = append(reports, report)
		})
	}
	if slices.ContainsFunc(reports, func(r topics.PSPReport) bool { return r != reports[0] }) || reports[0].PaymentID != payment {
		t.Errorf("reports %+v", reports)
	}
	if len(letters) == 0 || string(letters[0].Value) != "odd" || letters[0].Role != webhooks.Role || !strings.Contains(letters[0].Detail, errOdd.Error()) {
		t.Errorf("dead letter %+v", letters[0])
	}
	if b.Cluster == nil { // a cluster sets the time of a record, so that none is old there
		if len(letters) != 1 {
			t.Errorf("dead letters %+v", letters)
		}
		return
	}
	if len(letters) != 2 || letters[1].Reason != topics.RefusedTooOld || !strings.Contains(letters[1].Detail, "30 days") {
		t.Errorf("dead letter %+v", letters[1])
	}
}
