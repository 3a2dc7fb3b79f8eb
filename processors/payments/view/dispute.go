package view

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/processors/payments/disputes"
	"github.com/weirhq/weir/topics"
)

// Dispute is a dispute as it stands. Amounts are minor units of Currency, the payment's.
type Dispute struct {
	ID, PaymentID, Tenant, Region, CustomerID string
	Status                                    topics.DisputeStatus
	Stage                                     topics.DisputeStage
	PSP, Reference                            string // who tells of it, and what it is called there
	Amount                                    int64  // 0: not known
	Currency                                  string
	Reason, Category                          string
	EvidenceDue                               time.Time
	// WaitsFor is what comes next; WaitsForNothing where nothing does. Explanation says the same in words.
	WaitsFor    Awaited
	Explanation string
	Totals      topics.DisputeTotals
	Evidence    *topics.DisputeEvidence // that was sent last, or is being
	RequestedBy string
	Cases       []string // codes of those that were opened
	OpenedAt    time.Time
	UpdatedAt   time.Time
	Version     int64 // position of the last inbox record that changed it
}

// WaitsForAnswer is for evidence, or for the dispute to be given up.
const WaitsForAnswer Awaited = "answer"

// explainDispute says what a dispute waits for.
func explainDispute(p *disputes.Dispute) (awaited Awaited, text string) {
	by := ""
	if !p.EvidenceDue.IsZero() {
		by = " by " + p.EvidenceDue.UTC().Format(time.RFC3339)
	}
	switch p.Status() {
	case topics.DisputeStatusNeedsResponse:
		if p.Stage == topics.StageInquiry {
			return WaitsForAnswer, "the issuer asks about the payment: an answer is wanted" + by + "; no money is at stake yet"
		}
		return WaitsForAnswer, "evidence is wanted" + by + ", or that it is given up"
	case topics.DisputeStatusOverdue:
		return WaitsForPSP, "evidence was wanted" + by + " and none was sent; it is lost once the PSP says so"
	case topics.DisputeStatusSubmitting:
		return WaitsForPSP, "the PSP is sent the evidence, and has not answered yet"
	case topics.DisputeStatusAccepting:
		return WaitsForPSP, "the PSP is told that it is given up, and has not answered yet"
	case topics.DisputeStatusUnderReview:
		return WaitsForPSP, "the issuer or the card scheme looks at it"
	case topics.DisputeStatusAccepted:
		return WaitsForPSP, "it was given up; it is lost once the PSP says so"
	case topics.DisputeStatusWon:
		return WaitsForNothing, "it was won" + moneyOf(p)
	case topics.DisputeStatusLost:
		return WaitsForNothing, "it was lost" + moneyOf(p)
	case topics.DisputeStatusClosed:
		return WaitsForNothing, "it ended without a result" + moneyOf(p)
	}
	return WaitsForNothing, "" // a status that does not exist
}

// moneyOf says what a result leaves open: none of them moves money.
func moneyOf(p *disputes.Dispute) string {
	switch taken := p.Taken(); {
	case taken > 0 && p.Status() != topics.DisputeStatusLost:
		return "; the PSP has not given back all that it withdrew"
	case taken <= 0 && p.Status() == topics.DisputeStatusLost:
		return "; the PSP has withdrawn nothing that it did not give back"
	}
	return ""
}

func disputeOf(p *disputes.Dispute, version int64) *Dispute {
	v := &Dispute{
		ID: p.ID.String(), PaymentID: p.Payment, Tenant: p.Tenant, Region: p.Region, CustomerID: p.Customer, Status: p.Status(), Stage: p.Stage,
		PSP: p.PSP, Reference: p.Reference, Amount: p.Amount, Currency: string(p.Currency), Reason: p.Reason, Category: p.Category,
		EvidenceDue: p.EvidenceDue, Totals: p.Totals, Evidence: p.Evidence, RequestedBy: p.RequestedBy, Cases: slices.Clone(p.Cases),
		OpenedAt: p.OpenedAt, UpdatedAt: p.UpdatedAt, Version: version,
	}
	v.WaitsFor, v.Explanation = explainDispute(p)
	return v
}

// FoldDispute is the dispute as the record of an event left it, as FoldPayout is of a payout.
func FoldDispute(events []topics.DisputeEvent, eventID string) (*Dispute, error) {
	last, err := topics.ParseEventID(eventID)
	if err != nil {
		return nil, err
	}
	var p *disputes.Dispute
	var version int64
	for i := range events {
		id, err := topics.ParseEventID(events[i].EventID)
		if err != nil {
			return nil, err
		}
		if id.Position > last.Position {
			break
		}
		if t := events[i].Type; t == topics.DisputeCommandRefused || t == topics.DisputeDeadLettered {
			continue // changes no dispute, and no version
		}
		if p, err = disputes.Evolve(p, &events[i]); err != nil {
			return nil, err
		}
		version = id.Position
	}
	if p == nil {
		return nil, nil
	}
	return disputeOf(p, version), nil
}

const disputeColumns = `SELECT partition, id, tenant, customer, version, state FROM disputes`

// GetDispute reads one dispute. It returns ErrNotFound where the id is not one of ours or belongs to another tenant; tenant ""
// means whoever's it is.
func GetDispute(ctx context.Context, db Querier, tenant, disputeID string) (*Dispute, error) {
	id, err := topics.ParseDisputeID(disputeID)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	rows, err := db.Query(ctx, disputeColumns+` WHERE partition = $1 AND id = $2 AND (tenant = $3 OR $3 = '')`, id.Partition, id.UUID, tenant)
	if err != nil {
		return nil, fmt.Errorf("dispute %s: %w", disputeID, err)
	}
	dispute, err := pgx.CollectExactlyOneRow(rows, scanDispute)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("dispute %s: %w", disputeID, err)
	}
	return dispute, nil
}

// DisputeFilter narrows a list of disputes; zero fields do not.
type DisputeFilter struct {
	Status    topics.DisputeStatus
	PaymentID string
	DueBefore time.Time // of those of which evidence is wanted until a time
}

// ListDisputes reads a tenant's disputes, newest first. cursor is "" for the first page and then what the page before returned;
// next is "" after the last page. limit is capped at MaxLimit.
func ListDisputes(ctx context.Context, db Querier, tenant string, filter DisputeFilter, cursor string, limit int) (page []*Dispute, next string, err error) {
	limit = min(max(limit, 1), MaxLimit)
	sql, args := disputeColumns+` WHERE tenant = $1`, []any{tenant}
	and := func(condition string, values ...any) {
		places := make([]any, len(values))
		for i, value := range values {
			args = append(args, value)
			places[i] = len(args)
		}
		sql += fmt.Sprintf(" AND "+condition, places...)
	}
	if cursor != "" {
		opened, id, err := readDisputeCursor(cursor)
		if err != nil {
			return nil, "", err
		}
		and("(opened, id) < ($%d, $%d)", opened, id)
	}
	if filter.PaymentID != "" {
		id, err := topics.ParsePaymentID(filter.PaymentID)
		if err != nil {
			return nil, "", fmt.Errorf("%w: %w", ErrNotFound, err)
		}
		and("partition = $%d AND payment = $%d", id.Partition, id.UUID)
	}
	if filter.Status != "" {
		and("status = $%d", string(filter.Status))
	}
	if !filter.DueBefore.IsZero() {
		and("due < $%d", filter.DueBefore)
	}
	args = append(args, limit+1)
	rows, err := db.Query(ctx, sql+fmt.Sprintf(" ORDER BY tenant DESC, opened DESC, id DESC LIMIT $%d", len(args)), args...)
	if err != nil {
		return nil, "", fmt.Errorf("disputes of %s: %w", tenant, err)
	}
	if page, err = pgx.CollectRows(rows, scanDispute); err != nil {
		return nil, "", fmt.Errorf("disputes of %s: %w", tenant, err)
	}
	if len(page) > limit {
		page, next = page[:limit], disputeCursor(page[limit-1])
	}
	return page, next, nil
}

// A cursor is the time in microseconds, which is what rows hold, and the id.
func disputeCursor(last *Dispute) string {
	id, err := topics.ParseDisputeID(last.ID)
	if err != nil {
		panic(err) // it was read by it
	}
	return strconv.FormatInt(last.OpenedAt.UnixMicro(), 10) + "_" + id.UUID.String()
}

func readDisputeCursor(cursor string) (opened time.Time, id uuid.UUID, err error) {
	at, text, _ := strings.Cut(cursor, "_")
	micros, err := strconv.ParseInt(at, 10, 64)
	if err == nil {
		id, err = uuid.FromString(text)
	}
	if err != nil {
		return opened, id, fmt.Errorf("cursor %.64q: %w", cursor, ErrCursor)
	}
	return time.UnixMicro(micros).UTC(), id, nil
}

func scanDispute(row pgx.CollectableRow) (*Dispute, error) {
	var id topics.DisputeID
	var tenant, customer string
	var version int64
	var state []byte
	if err := row.Scan(&id.Partition, &id.UUID, &tenant, &customer, &version, &state); err != nil {
		return nil, err
	}
	p, err := disputes.Decode(id, tenant, customer, state)
	if err != nil {
		return nil, err
	}
	return disputeOf(p, version), nil
}

// Dispute returns the events of a dispute, and those that the command caused even where they changed no dispute (a refusal), in
// the order of their ids; tenant "" means whoever's it is, and the zero command none.
func (l *EventLog) Dispute(ctx context.Context, tenant string, dispute topics.DisputeID, command uuid.UUID) ([]topics.DisputeEvent, error) {
	rows, err := l.db.Query(ctx, `
		SELECT position, frame FROM stream_log
		WHERE partition = $1 AND role = 'payments' AND position IN (
			SELECT unnest(positions) FROM disputes WHERE partition = $1 AND id = $2
			UNION SELECT position FROM applied_inputs WHERE partition = $1 AND id = $3)
		ORDER BY position`, dispute.Partition, dispute.UUID, command)
	if err != nil {
		return nil, fmt.Errorf("events of dispute %s: %w", dispute, err)
	}
	var events []topics.DisputeEvent
	id := dispute.String()
	err = l.each(rows, dispute.Partition, topics.DisputeEvents, func(value []byte) error {
		var event topics.DisputeEvent
		if err := topics.Unmarshal(value, &event); err != nil {
			return err
		}
		if (tenant == "" || event.Tenant == tenant) && (event.DisputeID == id || command != uuid.Nil && event.CommandID == command.String()) {
			events = append(events, event)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("events of dispute %s: %w", dispute, err)
	}
	return events, nil
}
