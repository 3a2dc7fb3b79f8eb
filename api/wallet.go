package api

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/topics"
)

// walletOrder is a write that a wallet command carries out.
type walletOrder struct {
	call      *call
	id        uuid.UUID // of the command
	command   topics.WalletCommand
	partition int32
}

// wallet reads the orders of one kind of wallet command: decode takes its fields out of the body, the path names the
// customer and, where it has them, the hold and the round.
func wallet(kind topics.WalletCommandType, decode func([]byte, *topics.WalletCommand) error) func(*call, []byte, uuid.UUID) (order, error) {
	return func(c *call, body []byte, id uuid.UUID) (order, error) {
		o := &walletOrder{call: c, command: topics.WalletCommand{
			CommandID: id.String(), Type: kind, Tenant: c.key.Tenant, Region: c.key.Region, TraceID: c.traceID,
			CustomerID: c.request.PathValue("customer"), HoldID: c.request.PathValue("hold"),
		}}
		if err := decode(body, &o.command); err != nil {
			return nil, err
		}
		if round := c.request.PathValue("round"); round != "" {
			o.command.RoundID = round
		}
		if err := o.approve(); err != nil {
			return nil, err
		}
		if refusal := o.command.Validate(); refusal != nil {
			detail := refusal.Detail
			if kind == topics.WalletSetLimit { // whose fields stand in the body, not in one called limit
				detail = strings.ReplaceAll(detail, "limit.", "")
			}
			return nil, refused(refusal.Code, detail)
		}
		return o, nil
	}
}

// approve makes the API key that sends a correction, or says that it approves, the approver.
func (o *walletOrder) approve() error {
	what := "an approval"
	switch {
	case o.command.Reason == topics.ReasonAdjustment:
		what = "an adjustment"
	case o.command.ApprovedBy == "":
		return nil
	}
	return o.call.approve(o.command.RequestedBy, &o.command.ApprovedBy, what)
}

// parameters leave out the ids and times that are made for each attempt, and the trace.
func (o *walletOrder) parameters() ([32]byte, error) {
	c := o.command
	c.CommandID, c.IssuedAt, c.TraceID, c.Region = "", time.Time{}, "", ""
	return fingerprint(o.call.pattern, &c)
}

func (o *walletOrder) bind(id uuid.UUID, issued time.Time, partitions int32) {
	o.id, o.command.CommandID, o.command.IssuedAt = id, id.String(), issued
	o.partition = topics.PartitionOf(o.command.Tenant, o.command.CustomerID, partitions)
}

func (o *walletOrder) result(ctx context.Context, resumed bool) (reply, error) {
	return follow[topics.WalletEvent](ctx, o, resumed)
}

func (o *walletOrder) recorded(ctx context.Context) (r reply, ok bool, err error) {
	return recorded[topics.WalletEvent](ctx, o)
}

func (o *walletOrder) follows() (c *call, topic, commandID string) {
	return o.call, topics.WalletEvents, o.command.CommandID
}

func (o *walletOrder) read(ctx context.Context) ([]topics.WalletEvent, error) {
	return o.call.api.events.Wallet(ctx, o.command.Tenant, o.partition, o.id)
}

func (o *walletOrder) produce(ctx context.Context) error {
	return o.call.api.produceCommand(ctx, topics.WalletCommands, o.command.CustomerID, &o.command, topics.Envelope{
		ID: o.command.CommandID, Type: topics.TypeWalletCommand, Subject: o.command.CustomerID,
		Time: o.command.IssuedAt, Tenant: o.command.Tenant, Region: o.command.Region, TraceID: o.command.TraceID,
	})
}

func (o *walletOrder) location() string {
	if o.command.Type != topics.WalletHold {
		return ""
	}
	return "/v1/wallets/" + url.PathEscape(o.command.CustomerID) + "/holds/" + o.command.CommandID
}

// creates: the event that answers a wallet command tells all that its answer does.
func (o *walletOrder) creates() bool { return true }

// reply turns the event that answers the command into an answer.
func (o *walletOrder) reply(event *topics.WalletEvent, _ []topics.WalletEvent) (reply, error) {
	var details *ErrorDetails
	if event.GamingLimit != nil {
		details = &ErrorDetails{GamingLimit: event.GamingLimit}
	}
	if r, ok, err := refusal(event.Caused(), details); ok {
		return r, err
	}
	status := http.StatusOK
	switch o.command.Type {
	case topics.WalletCredit, topics.WalletDebit, topics.WalletHold:
		status = http.StatusCreated
	}
	return encodeReply(status, changeOf(event), logged)
}

// accepted is a change of which nothing is known but its command.
func (o *walletOrder) accepted() any {
	c := &o.command
	return WalletChange{
		CommandID: c.CommandID, Status: statusAccepted, CustomerID: c.CustomerID,
		Amount: c.Amount, Currency: c.Currency, Reason: c.Reason, RoundID: c.RoundID, EffectiveAt: timeOf(c.EffectiveAt),
	}
}

// changeOf is an event of a wallet as the document shows it.
func changeOf(e *topics.WalletEvent) WalletChange {
	change := WalletChange{
		CommandID: e.CommandID, Status: string(e.Type), CustomerID: e.CustomerID, EventID: e.EventID,
		Amount: e.Amount, Currency: e.Currency, Reason: e.Reason, RoundID: e.RoundID,
		At: timeOf(e.At), EffectiveAt: timeOf(e.EffectiveAt), Setting: e.Setting,
	}
	if h := e.Hold; h != nil {
		hold := holdOf(e.CustomerID, e.Currency, h)
		change.Hold = &hold
	}
	if b := e.Balance; b != nil {
		balance := balanceOf(e.Currency, b)
		change.Balance = &balance
	}
	return change
}

func holdOf(customer, currency string, h *topics.HoldState) Hold {
	hold := Hold{
		ID: h.HoldID, CustomerID: customer, Status: "open", Currency: currency, Amount: h.Amount, Captured: h.Captured,
		Released: h.Released, Remaining: h.Amount - h.Captured - h.Released, ExpiresAt: timeOf(h.ExpiresAt),
	}
	if hold.Remaining == 0 {
		hold.Status = "finished"
	}
	return hold
}

func balanceOf(currency string, b *topics.WalletBalance) WalletBalance {
	return WalletBalance{
		Currency: currency, Available: b.Available, Held: b.Held, Debt: b.Debt, Total: b.Available + b.Held,
	}
}
