package topics

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
)

// TypeAssessedLink is the ce_type of an AssessedLinkCommand, which stands in the inbox.
const TypeAssessedLink = "weir.link.assessed.v1"

// MaxLinkUses is how often a payment link can be paid at most.
const MaxLinkUses = 1000

// LinkCommandType is what a producer asks of a payment link.
type LinkCommandType string

const (
	LinkCreate LinkCommandType = "create" // a new link that a payer can open
	LinkCancel LinkCommandType = "cancel" // no payment may begin any more; those that have begun go on
)

// LinkCommand is the value of links.commands.v1. Amounts are integers in minor units (1050 is 10.50 EUR).
// Unknown fields are ignored; a field of a known name with a wrong type is a decoding error.
type LinkCommand struct {
	// CommandID is a UUID chosen by the producer (version 7 recommended); the same id is never applied twice, and refused for
	// another command. The id of a link derives from the one that created it.
	CommandID string          `json:"command_id" validate:"required,command_id"`
	Type      LinkCommandType `json:"type" validate:"required,oneof=create cancel"`
	Tenant    string          `json:"tenant" validate:"required,max=64,name"`
	Region    string          `json:"region,omitempty" validate:"max=32"`
	// CustomerID is the account holder whose payments those by the link are.
	CustomerID string `json:"customer_id" validate:"required,max=64,name"`
	LinkID     string `json:"link_id,omitempty" validate:"required_unless=Type create,max=64"`
	// Amount and Currency are what each payment by the link is of. They are required for create, as are Description, which the
	// payer reads, and ExpiresAt.
	Amount      int64  `json:"amount,omitempty" validate:"gte=0,lte=999999999999999"`
	Currency    string `json:"currency,omitempty" validate:"omitempty,currency"`
	Description string `json:"description,omitempty" validate:"max=256"`
	// ExpiresAt is until when a payment may begin: at most 366 days after the command.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// MaxUses is how many payments may be captured by the link, 1 where it is absent.
	MaxUses int `json:"max_uses,omitempty" validate:"-" jsonschema:"minimum=0,maximum=1000"`
	// TokenHash is the SHA-256 of the link's secret, in 64 hex digits. The address of its page is <link id>.<secret>; the secret
	// is known to whoever made it, and to nobody else. Absent, the link has no page: payments name it by its id.
	TokenHash string `json:"token_hash,omitempty" validate:"omitempty,len=64"`
	// ReturnURL is where the page sends the payer once the payment is made.
	ReturnURL         string            `json:"return_url,omitempty" validate:"omitempty,url,max=2048"`
	MerchantReference string            `json:"merchant_reference,omitempty" validate:"max=128"`
	Metadata          map[string]string `json:"metadata,omitempty" validate:"max=20,dive,keys,max=40,endkeys,max=500"`
	Reason            string            `json:"reason,omitempty" validate:"max=256"` // cancel: why
	// RequestedBy is who asks for it: over HTTP the API key.
	RequestedBy string `json:"requested_by,omitempty" validate:"max=64"`
	// IssuedAt is when the producer wrote the command; one older than the deduplication horizon (30 days) is refused.
	IssuedAt time.Time `json:"issued_at,omitzero"`
	TraceID  string    `json:"trace_id,omitempty" validate:"max=64"`
	// Invoice belongs to create: what the amount is made of. A link with one is paid once.
	Invoice *Invoice `json:"invoice,omitempty" validate:"-"` // checked by invalidCreate
}

// AssessedLinkCommand is a link command that was checked. No rule is evaluated for it: rules look at the payments.
type AssessedLinkCommand struct {
	Command LinkCommand `json:"command"`
	// Refusal says that the command must be refused as it stands, before anything but its id is looked at; it then holds
	// only what names it.
	Refusal *Refusal `json:"refusal,omitempty"`
}

// LinkEventType is what happened to a payment link.
type LinkEventType string

const (
	LinkCreated        LinkEventType = "created"
	LinkUseReserved    LinkEventType = "use_reserved"    // a payment by the link has begun, or may take money after all
	LinkUseReleased    LinkEventType = "use_released"    // it ended without having taken money
	LinkUseCaptured    LinkEventType = "use_captured"    // it has taken money: the use is consumed, refunded later or not
	LinkCancelled      LinkEventType = "cancelled"       // no payment may begin any more
	LinkExpired        LinkEventType = "expired"         // likewise
	LinkCommandRefused LinkEventType = "command_refused" // changes nothing; refusal says why
	LinkCaseOpened     LinkEventType = "case_opened"     // more payments than the link allows may have taken money
	LinkDeadLettered   LinkEventType = "dead_lettered"   // the record is in the dead-letter topic
)

// LinkStatus is where a payment link is in its life.
type LinkStatus string

const (
	LinkStatusOpen      LinkStatus = "open"      // a payment may begin, if a use is free
	LinkStatusPaid      LinkStatus = "paid"      // all uses have been captured; final
	LinkStatusCancelled LinkStatus = "cancelled" // no payment may begin; one that has begun may still make it paid
	LinkStatusExpired   LinkStatus = "expired"   // likewise
)

// LinkEvent is the value of links.events.v1. A link's state is the fold of its events and of nothing else.
type LinkEvent struct {
	EventID    string        `json:"event_id"` // partition-position-index of the inbox record that caused it
	Type       LinkEventType `json:"type"`
	Tenant     string        `json:"tenant"`
	Region     string        `json:"region,omitempty"`
	CustomerID string        `json:"customer_id,omitempty"`
	LinkID     string        `json:"link_id,omitempty"`
	CommandID  string        `json:"command_id,omitempty"` // the link command that caused it, if one did
	TraceID    string        `json:"trace_id,omitempty"`
	At         time.Time     `json:"at"`
	Status     LinkStatus    `json:"status,omitempty"` // after this event
	Amount     int64         `json:"amount,omitempty"` // of each payment by the link, minor units
	Currency   string        `json:"currency,omitempty"`

	Created *LinkData `json:"created,omitempty"`
	// PaymentID is the payment whose use it is.
	PaymentID string `json:"payment_id,omitempty"`
	// Late says that the use of the payment had been released before.
	Late bool `json:"late,omitempty"`
	// Uses are the link's after this event.
	Uses        *LinkUses    `json:"uses,omitempty"`
	Refusal     RefusalCode  `json:"refusal,omitempty"` // command_refused, case_opened, dead_lettered
	Detail      string       `json:"detail,omitempty"`  // for people
	RequestedBy string       `json:"requested_by,omitempty"`
	Timer       *TimerChange `json:"timer,omitempty"` // armed by this event
	// More says that the same inbox record caused another event of a link, which follows.
	More bool `json:"more,omitempty"`
}

// LinkData is what a link's created event fixes for its life.
type LinkData struct {
	Description       string            `json:"description"`
	ExpiresAt         time.Time         `json:"expires_at"`
	MaxUses           int               `json:"max_uses"`
	TokenHash         string            `json:"token_hash,omitempty"`
	ReturnURL         string            `json:"return_url,omitempty"`
	MerchantReference string            `json:"merchant_reference,omitempty"`
	Metadata          map[string]string `json:"metadata,omitempty"`
	// Invoice is what the amount is made of.
	Invoice *Invoice `json:"invoice,omitempty"`
}

// LinkUses says how many uses of a link are taken.
type LinkUses struct {
	Reserved int `json:"reserved"` // by payments that may still take money
	Captured int `json:"captured"` // by payments that have
}

// LinkID names a payment link and the partition that owns it: "lnk_" + partition as 4 hex digits + "_" + 32 hex digits.
type LinkID struct {
	Partition int32
	UUID      uuid.UUID
}

// NewLinkID is the id of the link that a create command opens: the first 16 bytes of SHA-256 over "link", tenant and command
// id, each but the last followed by a zero byte.
func NewLinkID(tenant, customer string, commandID uuid.UUID, partitions int32) LinkID {
	return LinkID{PartitionOf(tenant, customer, partitions), LinkKey(tenant, commandID)}
}

// LinkKey is the UUID of a link's id.
func LinkKey(tenant string, commandID uuid.UUID) uuid.UUID {
	sum := sha256.Sum256([]byte("link\x00" + tenant + "\x00" + commandID.String()))
	return uuid.UUID(sum[:16])
}

const linkPrefix = "lnk_"

func (id LinkID) String() string { return partitioned(linkPrefix, id.Partition, id.UUID) }

// ParseLinkID reads what String wrote.
func ParseLinkID(s string) (LinkID, error) {
	partition, id, err := parsePartitioned("link", linkPrefix, s)
	return LinkID{partition, id}, err
}

// IsLinkID tells a link's id from a payment's and a payout's, where either may stand.
func IsLinkID(s string) bool { return strings.HasPrefix(s, linkPrefix) }

// HashLinkSecret is the TokenHash of a link's secret.
func HashLinkSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
