package view

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/processors/payments/links"
	"github.com/weirhq/weir/topics"
)

// Link is a payment link as it stands. Amounts are minor units of Currency.
type Link struct {
	ID, Tenant, Region, CustomerID string
	Status                         topics.LinkStatus
	Amount                         int64
	Currency                       string
	Description                    string
	ExpiresAt                      time.Time
	MaxUses                        int
	Uses                           topics.LinkUses
	Free                           int    // how many payments may begin
	LatestPayment                  string // that took a use
	TokenHash                      string // "": it has no page
	ReturnURL, MerchantReference   string
	Metadata                       map[string]string
	Invoice                        *topics.Invoice // nil: it has none
	RequestedBy                    string
	Reason                         string // it was cancelled for
	Cases                          int
	CreatedAt, UpdatedAt           time.Time
	Version                        int64 // position of the last inbox record that changed it

	opened int64 // position of the record that opened it, where it was read from its row
}

func linkOf(l *links.Link, version int64) *Link {
	return &Link{
		ID: l.ID.String(), Tenant: l.Tenant, Region: l.Region, CustomerID: l.Customer, Status: l.Status(), Amount: l.Amount, Currency: string(l.Currency),
		Description: l.Data.Description, ExpiresAt: l.Data.ExpiresAt, MaxUses: l.Data.MaxUses, Uses: l.Uses(), Free: l.Free(), LatestPayment: l.Latest,
		TokenHash: l.Data.TokenHash, ReturnURL: l.Data.ReturnURL, MerchantReference: l.Data.MerchantReference, Metadata: l.Data.Metadata, Invoice: l.Data.Invoice,
		RequestedBy: l.RequestedBy, Reason: l.Detail, Cases: l.Cases, CreatedAt: l.CreatedAt, UpdatedAt: l.UpdatedAt, Version: version,
	}
}

// FoldLink is the payment link as the record of an event left it, as FoldPayout is of a payout.
func FoldLink(events []topics.LinkEvent, eventID string) (*Link, error) {
	state, version, err := foldThrough(events, eventID, links.Evolve)
	if state == nil || err != nil {
		return nil, err
	}
	return linkOf(state, version), nil
}

const linkColumns = `SELECT partition, id, tenant, customer, version, state, positions[1] FROM payment_links`

// GetLink reads one payment link; tenant "" means whoever's it is. It returns ErrNotFound where the id is not one of ours or
// belongs to another tenant.
func GetLink(ctx context.Context, db Querier, tenant, linkID string) (*Link, error) {
	id, err := topics.ParseLinkID(linkID)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return one(ctx, db, scanLink, "payment link "+linkID, linkColumns+` WHERE partition = $1 AND id = $2 AND ($3 = '' OR tenant = $3)`, id.Partition, id.UUID, tenant)
}

// ListLinks reads a customer's payment links, newest first, as ListPayouts reads payouts.
func ListLinks(ctx context.Context, db Querier, o Owner, status topics.LinkStatus, cursor string, limit int) (list []*Link, next string, err error) {
	return pageOfCustomer(ctx, db, o, linkColumns, string(status), cursor, limit, scanLink, func(v *Link) int64 { return v.opened }, "payment links")
}

func scanLink(row pgx.CollectableRow) (*Link, error) {
	var id topics.LinkID
	var tenant, customer string
	var version, opened int64
	var state []byte
	if err := row.Scan(&id.Partition, &id.UUID, &tenant, &customer, &version, &state, &opened); err != nil {
		return nil, err
	}
	l, err := links.Decode(id, tenant, customer, state)
	if err != nil {
		return nil, err
	}
	v := linkOf(l, version)
	v.opened = opened
	return v, nil
}
