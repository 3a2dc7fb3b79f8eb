package view

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/gofrs/uuid/v5"
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
		TokenHash: l.Data.TokenHash, ReturnURL: l.Data.ReturnURL, MerchantReference: l.Data.MerchantReference, Metadata: l.Data.Metadata,
		RequestedBy: l.RequestedBy, Reason: l.Detail, Cases: l.Cases, CreatedAt: l.CreatedAt, UpdatedAt: l.UpdatedAt, Version: version,
	}
}

// FoldLink is the payment link as the record of an event left it, as FoldPayout is of a payout.
func FoldLink(events []topics.LinkEvent, eventID string) (*Link, error) {
	last, err := topics.ParseEventID(eventID)
	if err != nil {
		return nil, err
	}
	var l *links.Link
	var version int64
	for i := range events {
		id, err := topics.ParseEventID(events[i].EventID)
		if err != nil {
			return nil, err
		}
		if id.Position > last.Position {
			break
		}
		if t := events[i].Type; t == topics.LinkCommandRefused || t == topics.LinkDeadLettered {
			continue // changes no link, and no version
		}
		if l, err = links.Evolve(l, &events[i]); err != nil {
			return nil, err
		}
		version = id.Position
	}
	if l == nil {
		return nil, nil
	}
	return linkOf(l, version), nil
}

const linkColumns = `SELECT partition, id, tenant, customer, version, state, positions[1] FROM payment_links`

// GetLink reads one payment link; tenant "" means whoever's it is. It returns ErrNotFound where the id is not one of ours or
// belongs to another tenant.
func GetLink(ctx context.Context, db Querier, tenant, linkID string) (*Link, error) {
	id, err := topics.ParseLinkID(linkID)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	rows, err := db.Query(ctx, linkColumns+` WHERE partition = $1 AND id = $2`, id.Partition, id.UUID)
	if err != nil {
		return nil, fmt.Errorf("payment link %s: %w", linkID, err)
	}
	link, err := pgx.CollectExactlyOneRow(rows, scanLink)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && tenant != "" && link.Tenant != tenant {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("payment link %s: %w", linkID, err)
	}
	return link, nil
}

// ListLinks reads a customer's payment links, newest first, as ListPayouts reads payouts.
func ListLinks(ctx context.Context, db Querier, o Owner, status topics.LinkStatus, cursor string, limit int) (page []*Link, next string, err error) {
	limit = min(max(limit, 1), MaxLimit)
	sql, args := linkColumns+` WHERE partition = $1 AND tenant = $2 AND customer = $3`, []any{o.Partition, o.Tenant, o.Customer}
	if cursor != "" {
		before, err := strconv.ParseInt(cursor, 10, 64)
		if err != nil {
			return nil, "", fmt.Errorf("cursor %.64q: %w", cursor, ErrCursor)
		}
		args = append(args, before)
		sql += fmt.Sprintf(" AND positions[1] < $%d", len(args))
	}
	if status != "" {
		args = append(args, string(status))
		sql += fmt.Sprintf(" AND status = $%d", len(args))
	}
	args = append(args, limit+1)
	sql += fmt.Sprintf(" ORDER BY positions[1] DESC LIMIT $%d", len(args))
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, "", fmt.Errorf("payment links of %s: %w", o.Customer, err)
	}
	if page, err = pgx.CollectRows(rows, scanLink); err != nil {
		return nil, "", fmt.Errorf("payment links of %s: %w", o.Customer, err)
	}
	if len(page) > limit {
		page, next = page[:limit], strconv.FormatInt(page[limit-1].opened, 10)
	}
	return page, next, nil
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

// Link returns the events of a payment link, and those that the command caused even where they changed no link (a refusal), in
// the order of their ids; tenant "" means whoever's it is, and the zero command none. There are none before the command is
// applied.
func (l *EventLog) Link(ctx context.Context, tenant string, link topics.LinkID, command uuid.UUID) ([]topics.LinkEvent, error) {
	rows, err := l.db.Query(ctx, `
		SELECT position, frame FROM stream_log
		WHERE partition = $1 AND role = 'payments' AND position IN (
			SELECT unnest(positions) FROM payment_links WHERE partition = $1 AND id = $2
			UNION SELECT position FROM applied_inputs WHERE partition = $1 AND id = $3)
		ORDER BY position`, link.Partition, link.UUID, command)
	if err != nil {
		return nil, fmt.Errorf("events of payment link %s: %w", link, err)
	}
	var events []topics.LinkEvent
	id := link.String()
	err = l.each(rows, link.Partition, topics.LinkEvents, func(value []byte) error {
		var event topics.LinkEvent
		if err := topics.Unmarshal(value, &event); err != nil {
			return err
		}
		if (tenant == "" || event.Tenant == tenant) && (event.LinkID == id || event.CommandID == command.String()) {
			events = append(events, event)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("events of payment link %s: %w", link, err)
	}
	return events, nil
}
