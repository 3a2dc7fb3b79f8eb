package webhooks

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/internal/scenario"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

var update = flag.Bool("update", false, "rewrite what the scenarios expect")

const (
	scenarioDir        = "../../testdata/scenarios/webhooks"
	scenarioPartitions = 4
)

// TestScenarios runs each scenario of testdata/scenarios/webhooks, whose README describes the language.
func TestScenarios(t *testing.T) {
	scenario.Run(t, scenarioDir, *update, func(t *testing.T) func(string) []string { return newStory(t).do })
}

// story is a role's desk with a clock of its own, and the tables and topics that it works on.
type story struct {
	t     *testing.T
	db    *database.DB
	desk  *desk
	in    *kgo.Client
	admin *kadm.Client
	read  int64 // records of the inbox and the dead letters
	clock time.Time
	last  stream.Record
	next  int64 // offset of the next webhook
}

func newStory(t *testing.T) *story {
	b := brokertest.New(t, scenarioPartitions)
	s := &story{t: t, db: databasetest.New(t), admin: b.Admin(t), clock: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC),
		in: b.Client(t, kgo.ConsumeTopics(topics.Inbox, topics.PSPWebhooksDeadLetters), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))}
	role, err := New(Config{Kafka: b.Config.Options(slog.New(slog.DiscardHandler)), Database: s.db, Mappers: Mappers{"acquirer": words{}}, Partitions: scenarioPartitions})
	s.must(err)
	s.desk = role.desk
	s.desk.now = func() time.Time { return s.clock }
	t.Cleanup(s.desk.producer.Close)
	return s
}

func (s *story) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// words maps "authorize approved payment=1 ref=pi_1 event=ev_1"; reference= is a merchant reference that is not ours.
type words struct{}

func (words) Webhook(body []byte) (topics.PSPReport, error) {
	fields := strings.Fields(string(body))
	r := topics.PSPReport{Source: topics.SourceWebhook, PSP: "acquirer", Operation: topics.PSPOperation(fields[0]), Outcome: topics.PSPOutcome(fields[1])}
	if fields[0] == "balance" {
		return r, fmt.Errorf("webhook of acquirer: %w: balance", topics.ErrUnknownEvent)
	}
	for _, f := range fields[2:] {
		switch name, value, _ := strings.Cut(f, "="); name {
		case "payment":
			r.PaymentID = scenarioPayment(value).String()
		case "reference":
			r.PaymentID = value
		case "ref":
			r.PSPReference = value
		case "event":
			r.ReportID = value
		}
	}
	return r, nil
}

func scenarioPayment(n string) topics.PaymentID {
	number, err := strconv.Atoi(n)
	if err != nil {
		panic(err)
	}
	return topics.PaymentID{Partition: int32(number % scenarioPartitions), UUID: uuid.UUID{15: byte(number)}}
}

// do does what a line says, and tells what came of it.
func (s *story) do(line string) (results []string) {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "webhook":
		s.next++
		envelope := topics.WebhookEnvelope("acquirer", "msg_1", "", s.clock)
		s.last = stream.Record{Position: s.next, Time: s.clock, Value: []byte(rest),
			Headers: append(envelope.Headers(), topics.Header{Key: topics.HeaderVerified, Value: []byte("true")})}
		results = s.take()
	case "again": // its offset was not committed
		results = s.take()
	case "create":
		p := scenarioPayment(rest)
		s.exec(`INSERT INTO payments (partition, id, tenant, customer, status, version, positions, state) VALUES ($1, $2, 'acme', 'ana', 'created', 0, '{0}', '')`, p.Partition, p.UUID)
	case "learn":
		n, reference, _ := strings.Cut(rest, " ")
		p := scenarioPayment(n)
		s.exec(`INSERT INTO psp_references (partition, psp, reference, payment, tenant, position) VALUES ($1, 'acquirer', $2, $3, 'acme', 0)`, p.Partition, reference, p.UUID)
	case "wait", "crash":
		wait, err := time.ParseDuration(rest)
		s.must(err)
		s.clock = s.clock.Add(wait)
		results = s.retry(verb == "crash")
	default:
		s.t.Fatalf("%q: no such verb", line)
	}
	return results
}

func (s *story) exec(sql string, arguments ...any) {
	s.t.Helper()
	_, err := s.db.Pool.Exec(s.t.Context(), sql, arguments...)
	s.must(err)
}

// take has the pipeline take the last webhook.
func (s *story) take() []string {
	p := &pipeline{desk: s.desk, gathered: newLook()}
	finish := p.Begin(s.t.Context(), s.last)
	p.Flush(s.t.Context())
	messages, aside, err := finish(s.t.Context())
	s.must(err)
	if aside != nil {
		return []string{putAside(aside.Reason, aside.Detail)}
	}
	var results []string
	for i := range messages {
		results = append(results, s.told(messages[i].Partition, messages[i].Value))
	}
	return append(results, s.parked()...)
}

// retry tries again what is due. After a crash what was produced stays and what was deleted is there again.
func (s *story) retry(crash bool) (results []string) {
	s.exec(`CREATE TABLE before_the_crash AS SELECT * FROM parked_webhooks`)
	s.must(s.desk.retry(s.t.Context(), 0, s.clock))
	if crash {
		s.exec(`DELETE FROM parked_webhooks`)
		s.exec(`INSERT INTO parked_webhooks SELECT * FROM before_the_crash`)
	}
	s.exec(`DROP TABLE before_the_crash`)
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	ends, err := s.admin.ListEndOffsets(ctx, topics.Inbox, topics.PSPWebhooksDeadLetters)
	s.must(err)
	all := int64(0)
	ends.Each(func(end kadm.ListedOffset) { all += end.Offset })
	for s.read < all {
		fetches := s.in.PollFetches(ctx)
		s.must(ctx.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			s.read++
			if r.Topic == topics.Inbox {
				results = append(results, s.told(r.Partition, r.Value))
				return
			}
			var letter topics.DeadLetter
			s.must(topics.Unmarshal(r.Value, &letter))
			results = append(results, putAside(letter.Reason, letter.Detail))
		})
	}
	slices.Sort(results)
	return append(results, s.parked()...)
}

func putAside(reason topics.RefusalCode, detail string) string {
	return "put aside, " + string(reason) + ": " + detail
}

// told is a report that the inbox gets.
func (s *story) told(partition int32, value []byte) string {
	var r topics.PSPReport
	s.must(topics.Unmarshal(value, &r))
	id, err := topics.ParsePaymentID(r.PaymentID)
	s.must(err)
	if id.Partition != partition {
		s.t.Errorf("the report of %s goes to partition %d", r.PaymentID, partition)
	}
	return fmt.Sprintf("inbox: %s %s of payment %d of %s, event %s", r.Operation, r.Outcome, id.UUID[15], r.Tenant, r.ReportID)
}

// parked lists what waits, by when it is due.
func (s *story) parked() (lines []string) {
	s.must(EachParked(s.t.Context(), s.db.Pool, 0, func(p *Parked) error {
		lines = append(lines, fmt.Sprintf("parked until %s, tried %d times: %s", p.Due.UTC().Format("02 15:04:05"), p.Attempts, p.Letter.Detail))
		return nil
	}))
	slices.Sort(lines)
	return lines
}
