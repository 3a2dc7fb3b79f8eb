// Package view reads payments and wallets as the API shows them. It reads the tables that the payments fold writes and
// nothing else, so it may be behind the events that are already published by the time of one transaction, never ahead of
// them.
package view

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// Intent is a payment as it stands. Amounts are minor units of Currency.
type Intent struct {
	ID                string               `json:"id"`
	Tenant            string               `json:"tenant"`
	Region            string               `json:"region,omitempty"`
	CustomerID        string               `json:"customer_id"`
	Status            topics.PaymentStatus `json:"status"`
	Amount            int64                `json:"amount"` // asked for
	Currency          string               `json:"currency"`
	Authorized        int64                `json:"authorized"`
	Captured          int64                `json:"captured"`
	Released          int64                `json:"released"` // of what was authorised: voided or expired
	Refunding         int64                `json:"refunding"`
	Refunded          int64                `json:"refunded"`
	Disputing         int64                `json:"disputing,omitempty"`    // in dispute, and not taken
	Disputed          int64                `json:"disputed,omitempty"`     // taken by disputes, and not given back
	Capturable        int64                `json:"capturable"`             // what a capture may still ask for
	OverCapture       int64                `json:"over_capture,omitempty"` // how much more than is authorised the last capture may ask for
	Refundable        int64                `json:"refundable"`
	CaptureMethod     topics.CaptureMethod `json:"capture_method"`
	Card              *Card                `json:"card,omitempty"`
	Action            *topics.Action       `json:"action,omitempty"`
	DeclineCode       string               `json:"decline_code,omitempty"`
	HardDecline       bool                 `json:"hard_decline,omitempty"`
	Reasons           []string             `json:"reasons,omitempty"`
	Authentication    *topics.AuthData     `json:"authentication,omitempty"`
	PSP               string               `json:"psp,omitempty"`
	PSPReference      string               `json:"psp_reference,omitempty"`
	NetworkReference  string               `json:"network_reference,omitempty"`
	MerchantReference string               `json:"merchant_reference,omitempty"`
	ReturnURL         string               `json:"return_url,omitempty"`
	Description       string               `json:"description,omitempty"`
	Descriptor        string               `json:"statement_descriptor,omitempty"`
	LinkID            string               `json:"link_id,omitempty"` // the payment link that it pays
	Metadata          map[string]string    `json:"metadata,omitempty"`
	Operations        []Operation          `json:"operations,omitempty"`
	Cases             int                  `json:"cases,omitempty"` // opened for a person to look at
	CreatedAt         time.Time            `json:"created_at"`
	UpdatedAt         time.Time            `json:"updated_at"`
	ExpiresAt         time.Time            `json:"expires_at,omitzero"`
	CaptureAt         time.Time            `json:"capture_at,omitzero"` // when a delayed capture is asked for
	Version           int64                `json:"version"`             // position of the last inbox record that changed it

	PaymentMethod *topics.PaymentMethod `json:"payment_method,omitempty"` // absent: a card
	Unapplied     int64                 `json:"unapplied,omitempty"`      // came, and stands in suspense
	Confirmations *topics.Confirmations `json:"confirmations,omitempty"`

	// MandateID names the mandate that the payment is by or sets up, which Mandate is then. Retry is when it is asked for again.
	MandateID string               `json:"mandate_id,omitempty"`
	Mandate   *Mandate             `json:"-"`
	Retry     *topics.MandateRetry `json:"retry,omitempty"`

	key uuid.UUID // of its row
}

// Card is what may be shown of a card: never its token.
type Card struct {
	Fingerprint string `json:"fingerprint,omitempty"`
	BIN         string `json:"bin,omitempty"`
	Last4       string `json:"last4,omitempty"`
	Scheme      string `json:"scheme,omitempty"`
	Type        string `json:"type,omitempty"`
	Country     string `json:"country,omitempty"`
}

// Operation is one request to the PSP.
type Operation struct {
	RequestID    string              `json:"request_id"`
	Type         topics.PSPOperation `json:"type"`
	State        string              `json:"state"` // requested, pending, unknown, requires_action, succeeded, failed, reversed
	Amount       int64               `json:"amount"`
	PSPReference string              `json:"psp_reference,omitempty"`
	Polls        int                 `json:"polls,omitempty"`
	PSP          string              `json:"psp,omitempty"`
	// GivenUp: an attempt at the authorisation that was given up for another PSP, or what releases it where its PSP approved all
	// the same. It counts in none of the payment's amounts.
	GivenUp bool `json:"given_up,omitempty"`
	// Unapplied: what came for a payment that no card pays, and was not asked for so (an authorize; Amount is what is left of it
	// to apply), or its refund.
	Unapplied bool `json:"unapplied,omitempty"`
}

// ErrNotFound says that the tenant has no such payment, or the customer no wallet or no such hold.
var ErrNotFound = errors.New("there is none")

// Querier is a pool, a connection or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

const columns = `SELECT partition, id, tenant, customer, version, state FROM payments`

// Get reads one payment. It returns ErrNotFound where the id is not one of ours or belongs to another tenant.
func Get(ctx context.Context, db Querier, tenant, paymentID string) (*Intent, error) {
	id, err := topics.ParsePaymentID(paymentID)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return one(ctx, db, scan, "payment "+paymentID, columns+` WHERE partition = $1 AND id = $2 AND tenant = $3`, id.Partition, id.UUID, tenant)
}

// Fold is the payment that all events so far have made, in their order: what Get reads once they are stored. It is nil
// where they opened none.
func Fold(events []topics.PaymentEvent) (*Intent, error) {
	var p *lifecycle.Payment
	var version int64
	for i := range events {
		if t := events[i].Type; t == topics.EventCommandRefused || t == topics.EventDeadLettered {
			continue // changes no payment, and no version
		}
		id, err := topics.ParseEventID(events[i].EventID)
		if err != nil {
			return nil, err
		}
		if p, err = lifecycle.Evolve(p, &events[i]); err != nil {
			return nil, err
		}
		version = id.Position
	}
	if p == nil {
		return nil, nil
	}
	return Of(p, version), nil
}

// FoldThrough is the payment as the record of an event left it: Fold of the events up to the last one of that record.
func FoldThrough(events []topics.PaymentEvent, eventID string) (*Intent, error) {
	last, err := topics.ParseEventID(eventID)
	if err != nil {
		return nil, err
	}
	n := 0
	for ; n < len(events); n++ {
		id, err := topics.ParseEventID(events[n].EventID)
		if err != nil {
			return nil, err
		}
		if id.Position > last.Position {
			break
		}
	}
	return Fold(events[:n])
}

// Filter narrows a list; zero fields do not.
type Filter struct {
	Customer string
	Status   topics.PaymentStatus
}

// MaxLimit bounds one page of a list.
const MaxLimit = 200

// ErrCursor says that a cursor is not one that List returned.
var ErrCursor = errors.New("not a cursor of this list")

// List reads a tenant's payments, newest first where command ids are UUIDs of version 7. cursor is "" for the first
// page and then what the page before returned; next is "" after the last page. limit is capped at MaxLimit. A filter is
// applied while the tenant's payments are read in that order, so one that few of them pass reads many.
func List(ctx context.Context, db Querier, tenant string, filter Filter, cursor string, limit int) (list []*Intent, next string, err error) {
	s := selection{columns + ` WHERE tenant = $1`, []any{tenant}}
	if cursor != "" {
		after, err := uuid.FromString(cursor)
		if err != nil {
			return nil, "", fmt.Errorf("cursor %q: %w", cursor, ErrCursor)
		}
		s.and("id < $%d", after)
	}
	if filter.Customer != "" {
		s.and("customer = $%d", filter.Customer)
	}
	if filter.Status != "" {
		s.and("status = $%d", string(filter.Status))
	}
	return page(ctx, db, &s, "tenant DESC, id DESC", limit, scan, func(v *Intent) string { return v.key.String() }, "payments of "+tenant)
}

func scan(row pgx.CollectableRow) (*Intent, error) {
	p, version, err := scanPayment(row)
	if err != nil {
		return nil, err
	}
	return Of(p, version), nil
}

func scanPayment(row pgx.CollectableRow) (p *lifecycle.Payment, version int64, err error) {
	var key lifecycle.Key
	var state []byte
	if err := row.Scan(&key.ID.Partition, &key.ID.UUID, &key.Tenant, &key.Customer, &version, &state); err != nil {
		return nil, 0, err
	}
	p, err = lifecycle.Decode(key, state)
	return p, version, err
}

// Of is the view of a payment in memory.
func Of(p *lifecycle.Payment, version int64) *Intent {
	return &Intent{
		key: p.ID.UUID, LinkID: linkID(p),
		ID: p.ID.String(), Tenant: p.Tenant, Region: p.Region, CustomerID: p.Customer, Status: p.Status(),
		Amount: p.Amount, Currency: string(p.Currency),
		Authorized: p.Authorized, Captured: p.Captured, Released: p.Released, Refunding: p.Refunding, Refunded: p.Refunded,
		Disputing: p.Disputing, Disputed: p.Disputed,
		Capturable: p.Capturable(), OverCapture: p.OverCapturable(), Refundable: p.Refundable(), CaptureMethod: p.CaptureMethod,
		PaymentMethod: p.Method.Said(), Unapplied: p.Unapplied(), Confirmations: p.Method.Confirmations(), Card: cardOf(p.Card), Action: p.Action, DeclineCode: p.DeclineCode, HardDecline: p.HardDecline,
		Reasons: slices.Clone(p.Reasons), Authentication: p.Authentication.Concealed(),
		PSP: p.PSP, PSPReference: p.PSPReference, NetworkReference: p.NetworkReference,
		MerchantReference: p.MerchantReference, ReturnURL: p.ReturnURL, Description: p.Description, Descriptor: p.Terms.Descriptor, Metadata: p.Metadata,
		Operations: operationsOf(p), Cases: p.Cases, MandateID: mandateIDOf(p), Mandate: mandateOf(p), Retry: retryOf(p),
		CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt, ExpiresAt: p.Expiry(), CaptureAt: p.Terms.CaptureAt, Version: version,
	}
}

// linkID is the payment link that a payment pays, "" where it pays none.
func linkID(p *lifecycle.Payment) string {
	if p.Link == uuid.Nil {
		return ""
	}
	return topics.LinkID{Partition: p.ID.Partition, UUID: p.Link}.String()
}

func cardOf(c *topics.Card) *Card {
	if c == nil {
		return nil
	}
	return &Card{c.Fingerprint, c.BIN, c.Last4, c.Scheme, c.Type, c.Country}
}

func operationsOf(p *lifecycle.Payment) []Operation {
	operations := make([]Operation, len(p.Operations))
	for i, op := range p.Operations {
		operations[i] = Operation{
			RequestID: op.Request.String(), Type: op.Kind, State: op.State.String(), Amount: op.Amount, PSPReference: op.Reference,
			Polls: op.Polls, PSP: cmp.Or(op.PSP, p.PSP), GivenUp: op.PSP != "" && !p.OfUnapplied(&op), Unapplied: p.OfUnapplied(&op),
		}
	}
	return operations
}
