package webhooks

import (
	"context"
	"fmt"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// resolver finds out whose reports are. It reads what the folds have committed, each statement by itself.
type resolver struct {
	pool       *pgxpool.Pool
	partitions int32
}

// owner is whose a report is.
type owner struct {
	known     bool
	several   bool   // the PSP gave one reference to several payments
	id        string // the payment's, or the payout's
	partition int32
	tenant    string
}

// kind is by what a report names its payment.
type kind int8

const (
	byNothing   kind = iota
	byPayment        // its id
	byPayout         // the payout's id
	byReference      // what the PSP calls it
)

// names tells by what a report names its payment, and in which partition it is where its id says so.
func (r resolver) names(report *topics.PSPReport) (kind, int32) {
	partition, err := topics.PartitionOfReference(report.PaymentID)
	switch {
	case err == nil && partition < r.partitions && topics.IsPayoutID(report.PaymentID):
		return byPayout, partition
	case err == nil && partition < r.partitions:
		return byPayment, partition
	case report.PSPReference != "":
		return byReference, 0
	}
	return byNothing, 0
}

// All look each row up by its key; see database.Lookup.
const (
	lookUpPayouts = `SELECT wanted.n, found.tenant FROM unnest($1::int4[], $2::int4[], $3::uuid[]) AS wanted(n, partition, id),
LATERAL (SELECT tenant FROM payouts WHERE partition = wanted.partition AND id = wanted.id LIMIT 1) AS found`

	lookUpPayments = `SELECT wanted.n, found.tenant FROM unnest($1::int4[], $2::int4[], $3::uuid[]) AS wanted(n, partition, id),
LATERAL (SELECT tenant FROM payments WHERE partition = wanted.partition AND id = wanted.id LIMIT 1) AS found`

	lookUpReferences = `SELECT wanted.n, found.partition, found.payment, found.tenant
FROM unnest($1::int4[], $2::text[], $3::text[]) AS wanted(n, psp, reference), unnest($4::int4[]) AS every(partition),
LATERAL (SELECT partition, payment, tenant FROM psp_references
	WHERE partition = every.partition AND psp = wanted.psp AND reference = wanted.reference LIMIT 2) AS found`
)

// keys are rows that are looked up by their ids, each for the report of a number.
type keys struct {
	n, partitions []int32
	ids           [][16]byte
}

func (k *keys) add(n int, partition int32, id [16]byte) {
	k.n, k.partitions, k.ids = append(k.n, int32(n)), append(k.partitions, partition), append(k.ids, id)
}

// names are rows that are looked up by what PSPs call them.
type names struct {
	n                []int32
	psps, references []string
}

// owners looks up whose the reports are, in one round trip.
func (r resolver) owners(ctx context.Context, reports []topics.PSPReport) ([]owner, error) {
	owners := make([]owner, len(reports))
	var payments, payouts keys
	var named names
	for i := range reports {
		p := &reports[i]
		kind, partition := r.names(p)
		owners[i] = owner{id: p.PaymentID, partition: partition}
		switch kind {
		case byPayment:
			id, err := topics.ParsePaymentID(p.PaymentID)
			if err != nil {
				return nil, err
			}
			payments.add(i, partition, id.UUID)
		case byPayout:
			id, err := topics.ParsePayoutID(p.PaymentID)
			if err != nil {
				return nil, err
			}
			payouts.add(i, partition, id.UUID)
		case byReference:
			named.n, named.psps, named.references = append(named.n, int32(i)), append(named.psps, p.PSP), append(named.references, p.PSPReference)
		}
	}
	batch := &pgx.Batch{}
	queueKeys(batch, lookUpPayments, &payments, owners)
	queueKeys(batch, lookUpPayouts, &payouts, owners)
	r.queueNames(batch, &named, owners)
	if batch.Len() == 0 {
		return owners, nil
	}
	ctx, cancel := context.WithTimeout(ctx, databaseWithin)
	defer cancel()
	if err := r.pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("look up the payments of webhooks: %w", err)
	}
	return owners, nil
}

func queueKeys(batch *pgx.Batch, sql string, k *keys, owners []owner) {
	if len(k.n) == 0 {
		return
	}
	var n int32
	var tenant string
	batch.Queue(sql, k.n, k.partitions, k.ids).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&n, &tenant}, func() error {
			owners[n].known, owners[n].tenant = true, tenant
			return nil
		})
		return err
	})
}

// queueNames asks every partition for a reference: what a PSP calls a payment does not say where that is.
func (r resolver) queueNames(batch *pgx.Batch, k *names, owners []owner) {
	if len(k.n) == 0 {
		return
	}
	every := make([]int32, r.partitions)
	for i := range every {
		every[i] = int32(i)
	}
	var n, partition int32
	var tenant string
	var id uuid.UUID
	batch.Queue(lookUpReferences, k.n, k.psps, k.references, every).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&n, &partition, &id, &tenant}, func() error {
			text := topics.PaymentID{Partition: partition, UUID: id}.String()
			owners[n] = owner{known: true, several: owners[n].known, id: text, partition: partition, tenant: tenant}
			return nil
		})
		return err
	})
}

// settle says what becomes of a report: the partition that it goes to, or why it is put aside, or parked.
func (r resolver) settle(report *topics.PSPReport, o owner) (partition int32, aside *stream.DeadLetter, parked string) {
	kind, _ := r.names(report)
	switch {
	case kind == byNothing:
		return 0, &stream.DeadLetter{Reason: topics.RefusedUndecodable, Detail: fmt.Sprintf(
			"merchant reference %.64q is no payment or payout of ours, and there is no reference of the PSP", report.PaymentID)}, ""
	case o.several:
		return 0, &stream.DeadLetter{Reason: topics.RefusedUnknownPayment, Detail: fmt.Sprintf(
			"the PSP %s calls several payments %.128q; it does not say which one is meant", report.PSP, report.PSPReference)}, ""
	case !o.known && kind == byReference:
		return 0, nil, fmt.Sprintf("no payment is known that the PSP %s calls %.128q, and its merchant reference %.64q is none of ours",
			report.PSP, report.PSPReference, report.PaymentID)
	case !o.known:
		return 0, nil, report.PaymentID + " is not known"
	}
	report.PaymentID = o.id
	if report.Tenant == "" {
		report.Tenant = o.tenant
	}
	return o.partition, nil, ""
}

// Locate finds out whose reports are, as the role does, and completes those whose payment is known: known[i] says which.
func Locate(ctx context.Context, pool *pgxpool.Pool, partitions int32, reports []topics.PSPReport) (known []bool, err error) {
	r := resolver{pool, partitions}
	owners, err := r.owners(ctx, reports)
	if err != nil {
		return nil, err
	}
	known = make([]bool, len(reports))
	for i := range reports {
		_, aside, parked := r.settle(&reports[i], owners[i])
		known[i] = aside == nil && parked == ""
	}
	return known, nil
}
