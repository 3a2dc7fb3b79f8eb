package view

import (
	"context"
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

// Dispute is a dispute as it stands. Amounts are minor units of Currency, its payment's.
type Dispute struct {
	ID, Tenant, Region, CustomerID, PaymentID string
	PSP, Reference                            string // the PSP's reference of the dispute
	Status                                    topics.DisputeStatus
	Stage                                     topics.DisputeStage
	Amount                                    int64 // disputed; 0: not known in the payment's currency
	Currency                                  string
	Totals                                    topics.DisputeTotals
	// AtRisk is what may yet be taken of the customer, Taken what was and was not given back.
	AtRisk, Taken    int64
	Reason, Category string    // of the scheme or the PSP, and what it is called
	EvidenceDue      time.Time // zero: no answer is wanted by a time that is known
	Evidence         *topics.DisputeEvidence
	RequestedBy      string
	// WaitsFor is what comes next; Until is when something happens by itself if nothing comes before, zero where nothing does.
	WaitsFor Awaited
	Until    time.Time
	// Explanation says the same in words.
	Explanation                   string
	Cases                         []string // codes of those that were opened for a person to look at
	OpenedAt, ClosedAt, UpdatedAt time.Time
	Version                       int64 // position of the last inbox record that changed it

	key uuid.UUID // of its row
}

// What a dispute waits for, beside the PSP.
const WaitsForEvidence Awaited = "evidence" // or to be given up

// explainDispute says what a dispute waits for, and where its money is.
func explainDispute(p *disputes.Dispute) (awaited Awaited, until time.Time, text string) {
	due := "the PSP has told no time by which"
	if !p.EvidenceDue.IsZero() {
		due = "by " + p.EvidenceDue.UTC().Format(time.RFC3339)
	}
	switch p.Status() {
	case topics.DisputeStatusNeedsResponse:
		if awaited, until, text = WaitsForEvidence, p.EvidenceDue, "evidence is wanted, or that it is given up: "+due; p.Stage == topics.StageInquiry {
			text = "the issuer asks: evidence is wanted, or a refund of the payment: " + due
		}
	case topics.DisputeStatusOverdue:
		awaited, text = WaitsForPSP, "no evidence was sent in time; it is lost once the PSP says so, and may still take evidence until then"
	case topics.DisputeStatusSubmitting:
		awaited, until, text = WaitsForPSP, p.Timer.Due, "the PSP was sent evidence, and is yet to answer"
	case topics.DisputeStatusAccepting:
		awaited, until, text = WaitsForPSP, p.Timer.Due, "the PSP was told that it is given up, and is yet to answer"
	case topics.DisputeStatusUnderReview:
		if awaited, text = WaitsForPSP, "the PSP has the evidence; the issuer decides"; p.Stage == topics.StageArbitration {
			text = "the scheme decides"
		}
	case topics.DisputeStatusAccepted:
		awaited, text = WaitsForPSP, "it was given up; the PSP is yet to say that it is lost"
	case topics.DisputeStatusWon:
		text = "won"
	case topics.DisputeStatusLost:
		text = "lost"
	case topics.DisputeStatusClosed:
		text = "it ended without a result"
	}
	money := func(minor int64) string { return p.Money(minor).String() }
	switch taken := p.Taken(); {
	case taken > 0:
		text += "; the PSP has taken " + money(taken)
		if p.Totals.Reinstated > 0 {
			text += " (" + money(p.Totals.Withdrawn) + ", of which it gave " + money(p.Totals.Reinstated) + " back)"
		}
	case p.Totals.Withdrawn > 0:
		text += "; what the PSP had taken, " + money(p.Totals.Withdrawn) + ", it gave back"
	default:
		text += "; the PSP has taken nothing"
	}
	if ahead := p.Ahead(); ahead > 0 {
		text += "; it gave back " + money(ahead) + " that it is not known to have taken"
	}
	if p.Detail != "" {
		text += ". " + p.Detail
	}
	return awaited, until, text
}

func disputeOf(p *disputes.Dispute, version int64) *Dispute {
	v := &Dispute{
		key: p.ID.UUID, ID: p.ID.String(), Tenant: p.Tenant, Region: p.Region, CustomerID: p.Customer, PaymentID: p.Payment, PSP: p.PSP, Reference: p.Reference,
		Status: p.Status(), Stage: p.Stage, Amount: p.Amount, Currency: string(p.Currency), Totals: p.Totals, AtRisk: p.AtRisk(), Taken: p.Taken(),
		Reason: p.Reason, Category: p.Category, EvidenceDue: p.EvidenceDue, Evidence: p.Evidence, RequestedBy: p.RequestedBy,
		Cases: slices.Clone(p.Cases), OpenedAt: p.OpenedAt, ClosedAt: p.ClosedAt, UpdatedAt: p.UpdatedAt, Version: version,
	}
	v.WaitsFor, v.Until, v.Explanation = explainDispute(p)
	return v
}

// FoldDispute is the dispute as the record of an event left it, as FoldPayout is of a payout.
func FoldDispute(events []topics.DisputeEvent, eventID string) (*Dispute, error) {
	state, version, err := foldThrough(events, eventID, disputes.Evolve)
	if state == nil || err != nil {
		return nil, err
	}
	return disputeOf(state, version), nil
}

const disputeColumns = `SELECT partition, id, tenant, customer, version, state FROM disputes`

// GetDispute reads one dispute; tenant "" means whoever's it is. It returns ErrNotFound where the id is not one of ours or
// belongs to another tenant.
func GetDispute(ctx context.Context, db Querier, tenant, disputeID string) (*Dispute, error) {
	id, err := topics.ParseDisputeID(disputeID)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return one(ctx, db, scanDispute, "dispute "+disputeID, disputeColumns+` WHERE partition = $1 AND id = $2 AND ($3 = '' OR tenant = $3)`, id.Partition, id.UUID, tenant)
}

// DisputeFilter says which disputes of a tenant are wanted; what is zero is not asked for.
type DisputeFilter struct {
	Tenant    string // "": of all
	Customer  string
	Payment   topics.PaymentID
	Status    topics.DisputeStatus
	DueBefore time.Time // of those that wait for evidence: due before it
}

// ListDisputes reads disputes, newest first. cursor is "" for the first page and then what the page before returned; next is ""
// after the last page. limit is capped at MaxLimit.
func ListDisputes(ctx context.Context, db Querier, f DisputeFilter, cursor string, limit int) (list []*Dispute, next string, err error) {
	s := selection{sql: disputeColumns + " WHERE true"}
	if cursor != "" {
		opened, id, err := disputeCursor(cursor)
		if err != nil {
			return nil, "", err
		}
		s.and("(opened, id) < ($%d, $%d)", opened, id)
	}
	if f.Tenant != "" {
		s.and("tenant = $%d", f.Tenant)
	}
	if f.Customer != "" {
		s.and("customer = $%d", f.Customer)
	}
	if f.Payment != (topics.PaymentID{}) {
		s.and("partition = $%d AND payment = $%d", f.Payment.Partition, f.Payment.UUID)
	}
	if f.Status != "" {
		s.and("status = $%d", string(f.Status))
	}
	if !f.DueBefore.IsZero() {
		s.and("due < $%d AND status = $%d", f.DueBefore, string(topics.DisputeStatusNeedsResponse))
	}
	return page(ctx, db, &s, "opened DESC, id DESC", limit, scanDispute, func(v *Dispute) string {
		return strconv.FormatInt(v.OpenedAt.UnixMilli(), 10) + "-" + v.key.String()
	}, "disputes")
}

func disputeCursor(cursor string) (opened time.Time, id uuid.UUID, err error) {
	ms, text, _ := strings.Cut(cursor, "-")
	n, err := strconv.ParseInt(ms, 10, 64)
	if err == nil {
		id, err = uuid.FromString(text)
	}
	if err != nil {
		return opened, id, fmt.Errorf("cursor %.64q: %w", cursor, ErrCursor)
	}
	return time.UnixMilli(n).UTC(), id, nil
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
