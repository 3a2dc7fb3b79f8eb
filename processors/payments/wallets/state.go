package wallets

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/gaming"
	"github.com/weirhq/weir/topics"
)

// MaxMovements bounds the movements of one round, and of one hold.
const MaxMovements = 1000

// State is what an input may read and change: the customer's wallet, and of its holds and rounds those that the input
// names. None is nil; what does not exist yet is zero.
type State struct {
	Wallet *Wallet
	Hold   *Hold
	Round  *Round
	Limits *gaming.State
}

// Wallet is a customer's wallet, of all currencies. The zero Wallet was never opened.
type Wallet struct {
	Currencies []ledger.Currency // in which it was opened, in the order of their codes
	Closed     bool
}

// In tells whether the wallet was opened in a currency.
func (w *Wallet) In(c ledger.Currency) bool { return slices.Contains(w.Currencies, c) }

// Open opens the wallet in a currency in which it is not open.
func (w *Wallet) Open(c ledger.Currency) {
	at, _ := slices.BinarySearch(w.Currencies, c)
	w.Currencies = slices.Insert(w.Currencies, at, c)
}

// Names are the codes of currencies with spaces between.
func Names(currencies []ledger.Currency) string {
	names := make([]string, len(currencies))
	for i, c := range currencies {
		names[i] = string(c)
	}
	return strings.Join(names, " ")
}

// Hold is money of a wallet that is set aside. The zero Hold does not exist.
type Hold struct {
	ID        string // the command id of the hold command, in small letters
	Region    string
	Currency  ledger.Currency
	Amount    int64 // minor units, as are the others
	Captured  int64
	Released  int64     // by a release or by expiry
	ExpiresAt time.Time // zero: never
	Movements int       // events that changed it
}

// Left is what is still held. A hold of which nothing is left is finished.
func (h *Hold) Left() int64 { return h.Amount - h.Captured - h.Released }

func (h *Hold) exists() bool { return h.Amount > 0 }

// Waits says that the hold is open and runs out by itself.
func (h *Hold) Waits() bool { return h.Left() > 0 && !h.ExpiresAt.IsZero() }

func (h *Hold) state() *topics.HoldState {
	if !h.exists() {
		return nil
	}
	return &topics.HoldState{HoldID: h.ID, Amount: h.Amount, Captured: h.Captured, Released: h.Released, ExpiresAt: h.ExpiresAt}
}

// Round is the movements of one game round of a customer. The zero Round does not exist.
type Round struct {
	ID         string
	Currency   ledger.Currency // "" where it was rolled back before anything of it was known
	Net        int64           // what its debits took less what its credits gave, minor units; a rollback leaves it as it is
	Movements  int             // events that changed it
	RolledBack bool
}

// Key is the key of a customer's wallet within its partition: the first 16 bytes of SHA-256 over tenant, a zero byte and
// customer id.
func Key(tenant, customer string) uuid.UUID { return key(tenant, customer, "") }

// KeyOf is the key of a customer's hold, by its id in small letters, or round: as Key, with a zero byte and the id after
// the customer. Thus nobody reaches the holds and rounds of another customer.
func KeyOf(tenant, customer, id string) uuid.UUID { return key(tenant, customer, id) }

func key(tenant, customer, id string) uuid.UUID {
	var buf [256]byte
	b := append(buf[:0], tenant...)
	b = append(append(b, 0), customer...)
	if id != "" {
		b = append(append(b, 0), id...)
	}
	sum := sha256.Sum256(b)
	return uuid.UUID(sum[:16])
}
