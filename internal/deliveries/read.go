package deliveries

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/internal/deadletters"
	"github.com/weirhq/weir/processors/payments"
	"github.com/weirhq/weir/processors/webhooks"
	"github.com/weirhq/weir/topics"
)

// Log is where deliveries and what became of them are read.
type Log struct {
	Kafka      []kgo.Opt
	Pool       *pgxpool.Pool
	Mappers    webhooks.Mappers
	Partitions int32
}

// Filter says which deliveries are meant.
type Filter struct {
	PSP     string    // "": any
	Since   time.Time // received then or later; zero: ever
	State   State     // "": any
	Payment string    // the payment that it is of, or the reference by which it names one; "": any
	IDs     []ID      // these alone; none: all
}

// takes tells whether a delivery is meant.
func (f *Filter) takes(d *Delivery) bool {
	named := f.Payment == "" || d.Report != nil && slices.Contains([]string{d.Report.PaymentID, d.Report.Named, d.Report.PSPReference}, f.Payment)
	return named && (f.PSP == "" || d.PSP == f.PSP) && (f.State == "" || d.State == f.State) && !d.Received.Before(f.Since) &&
		(len(f.IDs) == 0 || slices.Contains(f.IDs, d.ID))
}

// Limits of a reading.
const (
	answerLimit = 15 * time.Second // for the broker's first answer
	pageSize    = 200              // deliveries that are looked up at once
)

// Read hands out the deliveries that are meant, those that were received first before the others, up to the ends of the topic
// when it begins. An error of handle ends it and is returned.
func (l *Log) Read(ctx context.Context, f Filter, handle func(*Delivery) error) error {
	letters, err := l.letters(ctx, f.Since)
	if err != nil {
		return err
	}
	spans, err := l.spans(ctx, &f)
	if err != nil {
		return err
	}
	sources := make([]source, len(spans))
	for i, s := range spans {
		sources[i] = func(yield func(*Delivery, error) bool) {
			err := l.span(ctx, s, letters, func(d *Delivery) error {
				if f.takes(d) && !yield(d, nil) {
					return errLeft
				}
				return nil
			})
			if err != nil && !errors.Is(err, errLeft) {
				yield(nil, err)
			}
		}
	}
	return merge(sources, handle)
}

// errLeft ends a span of which no more is wanted.
var errLeft = errors.New("no more is wanted")

// span is what is read of one partition: the offsets [from, end).
type span struct {
	partition int32
	from, end int64
}

func (l *Log) spans(ctx context.Context, f *Filter) ([]span, error) {
	client, err := kgo.NewClient(l.Kafka...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	admin := kadm.NewClient(client)
	starts, err := admin.ListStartOffsets(ctx, topics.PSPWebhooks)
	if err == nil && !f.Since.IsZero() {
		starts, err = admin.ListOffsetsAfterMilli(ctx, f.Since.UnixMilli(), topics.PSPWebhooks)
	}
	if err = errors.Join(err, starts.Error()); err != nil {
		return nil, fmt.Errorf("list the offsets of %s: %w", topics.PSPWebhooks, err)
	}
	ends, err := admin.ListEndOffsets(ctx, topics.PSPWebhooks)
	if err = errors.Join(err, ends.Error()); err != nil {
		return nil, fmt.Errorf("list the offsets of %s: %w", topics.PSPWebhooks, err)
	}
	var spans []span
	for partition := range l.Partitions {
		start, _ := starts.Lookup(topics.PSPWebhooks, partition)
		end, _ := ends.Lookup(topics.PSPWebhooks, partition)
		s := span{partition, start.Offset, end.Offset}
		if len(f.IDs) > 0 {
			first, last := s.end, int64(-1)
			for _, id := range f.IDs {
				if id.Partition == partition {
					first, last = min(first, id.Offset), max(last, id.Offset)
				}
			}
			s.from, s.end = max(s.from, first), min(s.end, last+1)
		}
		if s.from < s.end {
			spans = append(spans, s)
		}
	}
	return spans, nil
}

func (l *Log) span(ctx context.Context, s span, letters letters, handle func(*Delivery) error) error {
	reader, err := broker.OpenPartition(l.Kafka, topics.PSPWebhooks, s.partition, s.from, s.end)
	if err != nil {
		return err
	}
	defer reader.Close()
	var page []*Delivery
	for {
		record, err := reader.Next(ctx)
		if err != nil {
			return err
		}
		if record != nil {
			page = append(page, deliveryOf(record, l.Mappers))
		}
		if len(page) < pageSize && record != nil {
			continue
		}
		if err := l.trace(ctx, page, letters); err != nil {
			return err
		}
		for _, d := range page {
			if err := handle(d); err != nil {
				return err
			}
		}
		if page = page[:0]; record == nil {
			return nil
		}
	}
}

// letters are the dead letters of webhooks by where these stood, and of their reports by the reports' ids.
type letters struct {
	deliveries map[ID]*deadletters.Letter
	reports    map[string]*deadletters.Letter
}

// letters reads those that were put aside since then: what was received later was not put aside before.
func (l *Log) letters(ctx context.Context, since time.Time) (letters, error) {
	all := letters{map[ID]*deadletters.Letter{}, map[string]*deadletters.Letter{}}
	f := deadletters.Filter{Topics: []string{topics.PSPWebhooks, topics.Inbox}, Since: since}
	err := deadletters.Read(ctx, l.Kafka, f, func(letter *deadletters.Letter) error {
		about := letter.About()
		letter.Record.Key, letter.Record.Value, letter.Record.Headers = nil, nil, nil // what is held of each is small
		switch {
		case letter.Record.Topic == topics.PSPWebhooks:
			all.deliveries[ID{letter.Record.Partition, letter.Record.Offset}] = letter
		case about.ReportID != "":
			all.reports[about.ReportID] = letter
		}
		return nil
	})
	return all, err
}

const (
	lookUpApplied = `SELECT wanted.n, found.position FROM unnest($1::int4[], $2::int4[], $3::uuid[], $4::int4[]) AS wanted(n, partition, id, scope),
LATERAL (SELECT position FROM applied_inputs WHERE partition = wanted.partition AND id = wanted.id AND scope IN (wanted.scope, 0) LIMIT 1) AS found`

	lookUpParked = `SELECT wanted.n, found.due, found.attempts FROM unnest($1::int4[], $2::int4[], $3::uuid[]) AS wanted(n, partition, id),
LATERAL (SELECT due, attempts FROM parked_webhooks WHERE partition = wanted.partition AND id = wanted.id LIMIT 1) AS found`
)

// trace finds out what became of deliveries.
func (l *Log) trace(ctx context.Context, page []*Delivery, letters letters) error {
	reports := make([]topics.PSPReport, len(page))
	for i, d := range page {
		reports[i] = d.report
	}
	known, err := webhooks.Locate(ctx, l.Pool, l.Partitions, reports)
	if err != nil {
		return err
	}
	var applied struct {
		n, partitions, scopes []int32
		ids                   [][16]byte
	}
	var parked struct {
		n, partitions []int32
		ids           [][16]byte
	}
	for i, d := range page {
		parked.n, parked.partitions = append(parked.n, int32(i)), append(parked.partitions, d.ID.Partition)
		parked.ids = append(parked.ids, webhooks.ParkedID(recordOf(d.record)))
		if d.Report == nil || !known[i] {
			continue
		}
		d.Report.PaymentID = reports[i].PaymentID
		partition, err := topics.PartitionOfReference(reports[i].PaymentID)
		if err != nil {
			return err
		}
		_, scope, _ := payments.Scopes(reports[i].Tenant)
		applied.n, applied.partitions, applied.scopes = append(applied.n, int32(i)), append(applied.partitions, partition), append(applied.scopes, scope)
		applied.ids = append(applied.ids, uuid.FromStringOrNil(reports[i].ReportID))
	}
	batch := &pgx.Batch{}
	var n, attempts int32
	var position int64
	var due time.Time
	batch.Queue(lookUpApplied, applied.n, applied.partitions, applied.ids, applied.scopes).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&n, &position}, func() error {
			partition, err := topics.PartitionOfReference(page[n].Report.PaymentID)
			page[n].Record = fmt.Sprintf("%d-%d", partition, position)
			return err
		})
		return err
	})
	batch.Queue(lookUpParked, parked.n, parked.partitions, parked.ids).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&n, &due, &attempts}, func() error {
			page[n].ParkedUntil, page[n].Attempts = due.UTC(), attempts
			return nil
		})
		return err
	})
	if err := l.Pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("look up what became of webhooks: %w", err)
	}
	for _, d := range page {
		d.conclude(letters, time.Now())
	}
	return nil
}

// conclude says what became of a delivery. What was applied may have been put aside before, and replayed.
func (d *Delivery) conclude(letters letters, now time.Time) {
	letter := letters.deliveries[d.ID]
	if letter == nil && d.Report != nil {
		letter = letters.reports[d.Report.ID]
	}
	switch {
	case d.Record != "":
		d.State = Applied
	case !d.ParkedUntil.IsZero():
		d.State, d.Why = Parked, "its payment is not known yet"
	case letter != nil:
		d.State, d.Letter, d.Reason, d.Why = DeadLettered, letter.ID.String(), letter.Record.Reason, letter.Record.Detail
	case now.Sub(webhooks.FirstSeen(recordOf(d.record))) > topics.DedupHorizon:
		d.State = Forgotten
	default:
		d.State = Waiting
		if d.mapError != nil {
			d.Why = d.mapError.Error()
		}
	}
}
