package api

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/gofrs/uuid/v5"
	"golang.org/x/time/rate"

	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

// linkOrder is a write that a link command carries out.
type linkOrder struct {
	call    *call
	id      uuid.UUID // of the command
	command topics.LinkCommand
	link    topics.LinkID
}

func (o *linkOrder) creates() bool { return o.command.Type == topics.LinkCreate }

// link reads the orders of one kind of link command, whose fields decode takes out of the body.
func link(kind topics.LinkCommandType, decode func([]byte, *topics.LinkCommand) error) func(*call, []byte, uuid.UUID) (order, error) {
	return func(c *call, body []byte, id uuid.UUID) (order, error) {
		o := &linkOrder{call: c, command: topics.LinkCommand{
			CommandID: id.String(), Type: kind, Tenant: c.key.Tenant, Region: c.key.Region, RequestedBy: c.key.Name, TraceID: c.traceID,
		}}
		if err := decode(body, &o.command); err != nil {
			return nil, err
		}
		if o.creates() {
			if len(c.api.pages.Key) == 0 {
				return nil, &Problem{Status: http.StatusServiceUnavailable, Code: "unavailable",
					Message: "payment links are not configured here: set links.key, from which the secrets of their addresses derive"}
			}
		} else if err := o.address(); err != nil {
			return nil, err
		}
		if refusal := o.command.Validate(); refusal != nil {
			return nil, refused(refusal.Code, refusal.Detail)
		}
		return o, nil
	}
}

func decodeLink(body []byte, c *topics.LinkCommand) error {
	var in CreatePaymentLink
	err := decode(body, &in)
	c.CustomerID, c.Amount, c.Currency, c.Description, c.ExpiresAt = in.CustomerID, in.Amount, in.Currency, in.Description, in.ExpiresAt
	c.MaxUses = max(in.MaxUses, 1) // said or not said, it is the same request
	c.ReturnURL, c.MerchantReference, c.Metadata, c.Invoice = in.ReturnURL, in.MerchantReference, in.Metadata, in.Invoice
	return err
}

func decodeLinkEnd(body []byte, c *topics.LinkCommand) error {
	var in CancelPaymentLink
	err := decode(body, &in)
	c.Reason = in.Reason
	return err
}

// address finds the link that a command is for.
func (o *linkOrder) address() error {
	found, err := o.call.api.findLink(o.call)
	if err != nil {
		return err
	}
	if o.link, err = topics.ParseLinkID(found.ID); err != nil {
		return err
	}
	o.command.LinkID, o.command.CustomerID = found.ID, found.CustomerID
	if o.command.Region == "" { // this installation has none
		o.command.Region = found.Region
	}
	return nil
}

// parameters leave out what may differ between two attempts at the same thing, as those of payments do.
func (o *linkOrder) parameters() ([32]byte, error) {
	c := o.command
	c.CommandID, c.IssuedAt, c.TraceID, c.Region, c.RequestedBy, c.TokenHash = "", time.Time{}, "", "", "", ""
	return fingerprint(o.call.pattern, &c)
}

func (o *linkOrder) bind(id uuid.UUID, issued time.Time, partitions int32) {
	o.id, o.command.CommandID, o.command.IssuedAt = id, id.String(), issued
	if o.creates() {
		o.link = topics.NewLinkID(o.command.Tenant, o.command.CustomerID, id, partitions)
		o.command.TokenHash = topics.HashLinkSecret(o.call.api.pages.secret(o.link.String()))
	}
	o.call.paymentID = o.link.String()
}

func (o *linkOrder) result(ctx context.Context, resumed bool) (reply, error) {
	return follow[topics.LinkEvent](ctx, o, resumed)
}

func (o *linkOrder) recorded(ctx context.Context) (r reply, ok bool, err error) {
	return recorded[topics.LinkEvent](ctx, o)
}

func (o *linkOrder) follows() (c *call, topic, commandID string) {
	return o.call, topics.LinkEvents, o.command.CommandID
}

func (o *linkOrder) read(ctx context.Context) ([]topics.LinkEvent, error) {
	return o.call.api.events.Link(ctx, o.command.Tenant, o.link, o.id)
}

func (o *linkOrder) produce(ctx context.Context) error {
	return o.call.api.produceCommand(ctx, topics.LinkCommands, o.command.CustomerID, &o.command, topics.Envelope{
		ID: o.command.CommandID, Type: topics.TypeLinkCommand, Subject: o.link.String(),
		Time: o.command.IssuedAt, Tenant: o.command.Tenant, Region: o.command.Region, TraceID: o.command.TraceID,
	})
}

func (o *linkOrder) location() string {
	if !o.creates() {
		return ""
	}
	return "/v1/payment-links/" + o.link.String()
}

// reply turns the event that answers the command into an answer: the link as that event's record left it, without its address,
// whose secret is stored nowhere.
func (o *linkOrder) reply(event *topics.LinkEvent, events []topics.LinkEvent) (reply, error) {
	if r, ok, err := refusal(event.Caused(), nil); ok {
		return r, err
	}
	found, err := view.FoldLink(events, event.EventID)
	if err != nil {
		return reply{}, err
	}
	status := http.StatusOK
	if o.creates() {
		status = http.StatusCreated
	}
	return encodeReply(status, shownLink(found), logged)
}

// reveal adds the link's address to an answer, once it is stored.
func (o *linkOrder) reveal(body []byte) ([]byte, error) {
	var shown PaymentLink
	if err := topics.Unmarshal(body, &shown); err != nil {
		return nil, err
	}
	shown.URL = o.call.api.pages.address(shown.ID)
	body, err := topics.Marshal(shown)
	return append(body, '\n'), err
}

// accepted is a link of which nothing is known but its command.
func (o *linkOrder) accepted() any {
	c := &o.command
	return PaymentLink{
		ID: o.link.String(), Status: statusAccepted, CustomerID: c.CustomerID, Amount: c.Amount, Currency: c.Currency, Description: c.Description,
		MaxUses: c.MaxUses, ExpiresAt: c.ExpiresAt, ReturnURL: c.ReturnURL, MerchantReference: c.MerchantReference, Metadata: c.Metadata, Invoice: c.Invoice,
	}
}

// LinkPages are the pages on which payers pay by payment links.
type LinkPages struct {
	// Key is what the secrets of addresses, and the marks of forms, derive from; none: links cannot be created here.
	Key     []byte
	URL     string // under which payers reach the API, without a slash at the end
	Methods []LinkMethod
}

// LinkMethod is a way to pay that the pages offer.
type LinkMethod struct {
	Label      string // for the payer
	Type, Name string // of the payment method
	Token      string // of a card: a test card of the sandbox
}

// secret is the secret of a link's address: 192 bits.
func (p *LinkPages) secret(linkID string) string { return p.derive("address", linkID) }

// address is where a link's page is.
func (p *LinkPages) address(linkID string) string {
	return p.URL + "/pay/" + linkID + "." + p.secret(linkID)
}

func (p *LinkPages) derive(purpose, of string) string {
	mac := hmac.New(sha256.New, p.Key)
	mac.Write([]byte("weir payment link\x00" + purpose + "\x00" + of))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:24])
}

// linkPages are LinkPages at work.
type linkPages struct {
	LinkPages
	bucket  *rate.Limiter // of all pages together: payers have no API key
	origins *http.CrossOriginProtection
}

func newLinkPages(p LinkPages, limits Limits) linkPages {
	return linkPages{p, rate.NewLimiter(rate.Limit(limits.Rate), limits.Burst), http.NewCrossOriginProtection()}
}

// take lets a request pass, or says how long it must wait.
func (p *linkPages) take(now time.Time) time.Duration {
	if p.bucket.AllowN(now, 1) {
		return 0
	}
	return time.Second
}
