package kyc

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/api/await"
	"github.com/weirhq/weir/internal/customerkeys"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

const writeWithin = 10 * time.Second // a command until it is durable, and again until it is folded

var (
	// ErrNotConfigured says that there is no master key.
	ErrNotConfigured = errors.New("records of customers need a master key: set customers.master_key, which weir customers keygen makes")
	// ErrNone says that there is no record of the customer.
	ErrNone = errors.New("there is no record of this customer")
	// ErrUncertain says that a change was asked for and its outcome is not known yet. To ask for the same again is harmless.
	ErrUncertain = errors.New("the change was written and its outcome is not known yet; ask for the same again, which is harmless")
)

// Refused says that a change is not possible. Nothing was changed.
type Refused struct{ topics.Refusal }

func (r *Refused) Error() string { return r.Detail }

// Conflict says that the record is not of the version that was to be changed.
type Conflict struct{ Version int64 } // of the record; 0: there is none

func (c *Conflict) Error() string {
	if c.Version == 0 {
		return "there is no record of the customer; want its first version to be put"
	}
	return fmt.Sprintf("the customer's record has version %d; read it, and decide again", c.Version)
}

// Order is who asks for a change of whose record, and why.
type Order struct {
	Tenant, Region, Customer string
	Expected                 int64 // version that the record has now; 0: there is none. Erase: topics.AnyVersion, too
	Author, Reason, TraceID  string
}

// Desk changes and reads records of customers. Several goroutines may use it at once.
type Desk struct {
	pool     *pgxpool.Pool
	masters  *customerkeys.Masters // nil: nothing can be put or opened
	hub      *await.Hub
	producer *kgo.Client
}

// New connects to the broker with options. hub must run for changes to be answered; it is not the desk's to close.
func New(options []kgo.Opt, pool *pgxpool.Pool, masters *customerkeys.Masters, hub *await.Hub) (*Desk, error) {
	producer, err := kgo.NewClient(append(append([]kgo.Opt(nil), options...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerLinger(0), kgo.RecordDeliveryTimeout(writeWithin))...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	return &Desk{pool, masters, hub, producer}, nil
}

// Close ends the desk.
func (d *Desk) Close() { d.producer.Close() }

// Put makes a profile the customer's record and returns that. Where the same was put by the same author before, and nothing since,
// it returns what stands.
//
//	read record and data key → make a key where there is none → encrypt → command in the inbox → wait for the fold
//
// A crash before the command leaves a data key at most, which the next Put takes. The version is what holds it together: the key
// that was read with it is the customer's for as long as the record has that version.
func (d *Desk) Put(ctx context.Context, o Order, p *Profile, now time.Time) (*topics.CustomerRecord, error) {
	c, err := o.command(topics.CustomerPut, now)
	if err != nil {
		return nil, err
	}
	c.Data = p.data()
	refusal := c.Validate()
	if refusal == nil {
		refusal = p.Personal.check(now)
	}
	if refusal != nil {
		return nil, &Refused{*refusal}
	}
	if d.masters == nil {
		return nil, ErrNotConfigured
	}
	if len(p.Personal.Names) == 0 {
		p.Personal.Names = nil // listed or not, there are none
	}
	owner, err := d.owner(o.Tenant, o.Customer)
	if err != nil {
		return nil, err
	}
	found, err := view.GetCustomer(ctx, d.pool, owner)
	if err != nil {
		return nil, err
	}
	if stands, err := d.stands(found, &o, p); stands != nil || err != nil {
		return stands, err
	}
	if !p.Personal.empty() {
		key, err := d.key(ctx, owner, found)
		if err != nil {
			return nil, err
		}
		if c.Data.Personal, err = p.Personal.seal(key); err != nil {
			return nil, err
		}
	}
	record, err := d.send(ctx, c, owner)
	var conflict *Conflict
	if !errors.As(err, &conflict) {
		return record, err
	}
	// A command of before, whose answer was lost, may have been this very change.
	if found, err = view.GetCustomer(ctx, d.pool, owner); err != nil {
		return nil, err
	}
	if stands, err := d.stands(found, &o, p); stands != nil || err != nil {
		return stands, err
	}
	return nil, conflict
}

// stands is the record where it is what the order asks for, one version on; nil where the order is still to be carried out.
func (d *Desk) stands(found view.Customer, o *Order, p *Profile) (*topics.CustomerRecord, error) {
	r := found.Record
	version := versionOf(r)
	switch {
	case version == o.Expected:
		return nil, nil
	case version != o.Expected+1 || r.Erased || r.Author != o.Author || r.Reason != o.Reason:
		return nil, &Conflict{version}
	}
	plain := *r.Data
	plain.Personal = nil
	personal, err := opened(d.masters, found)
	if err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(&plain, p.data()) || !reflect.DeepEqual(personal, p.Personal) {
		return nil, &Conflict{version}
	}
	return r, nil
}

func versionOf(r *topics.CustomerRecord) int64 {
	if r == nil {
		return 0
	}
	return r.Version
}

// key is the customer's data key, a new one where there is none. What is read after one was made must be of the same version.
func (d *Desk) key(ctx context.Context, o view.Owner, found view.Customer) (*customerkeys.DataKey, error) {
	if found.Key == nil {
		w, err := d.masters.New(o.Tenant, o.Customer)
		if err != nil {
			return nil, err
		}
		if err := customerkeys.Put(ctx, d.pool, o.Partition, view.CustomerID(o), o.Tenant, o.Customer, w); err != nil {
			return nil, err
		}
		version := versionOf(found.Record)
		if found, err = view.GetCustomer(ctx, d.pool, o); err != nil {
			return nil, err
		}
		if now := versionOf(found.Record); now != version || found.Key == nil {
			return nil, &Conflict{now}
		}
	}
	return d.masters.Open(*found.Key, o.Tenant, o.Customer)
}

// Erase has a customer's data key deleted, and with it everything that tells who the customer is, wherever it stands. One who is
// erased already stays so.
func (d *Desk) Erase(ctx context.Context, o Order, now time.Time) (*topics.CustomerRecord, error) {
	c, err := o.command(topics.CustomerErase, now)
	if err != nil {
		return nil, err
	}
	if refusal := c.Validate(); refusal != nil {
		return nil, &Refused{*refusal}
	}
	owner, err := d.owner(o.Tenant, o.Customer)
	if err != nil {
		return nil, err
	}
	found, err := view.GetCustomer(ctx, d.pool, owner)
	switch {
	case err != nil:
		return nil, err
	case found.Record == nil && found.Key == nil:
		return nil, ErrNone
	case found.Record != nil && found.Record.Erased && found.Key == nil:
		return found.Record, nil
	}
	return d.send(ctx, c, owner)
}

func (o *Order) command(kind topics.CustomerCommandType, now time.Time) (*topics.CustomerCommand, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("command id: %w", err)
	}
	return &topics.CustomerCommand{CommandID: id.String(), Type: kind, Tenant: o.Tenant, Region: o.Region, CustomerID: o.Customer,
		ExpectedVersion: o.Expected, Author: o.Author, Reason: o.Reason, TraceID: o.TraceID, IssuedAt: now.UTC()}, nil
}

func (d *Desk) owner(tenant, customer string) (view.Owner, error) {
	partitions := d.hub.Partitions()
	if partitions == 0 {
		return view.Owner{}, await.ErrNotReady
	}
	return view.Owner{Partition: topics.PartitionOf(tenant, customer, partitions), Tenant: tenant, Customer: customer}, nil
}

// send puts a command into the inbox and waits until it is folded. A crash before the record is acknowledged leaves it written or
// not; who asks again finds which, by the version.
func (d *Desk) send(ctx context.Context, c *topics.CustomerCommand, o view.Owner) (*topics.CustomerRecord, error) {
	value, err := topics.Marshal(c)
	if err != nil {
		return nil, err
	}
	record := &kgo.Record{Topic: topics.Inbox, Partition: o.Partition, Key: []byte(c.CustomerID), Value: value}
	envelope := topics.Envelope{ID: c.CommandID, Source: "weir/customers", Type: topics.TypeCustomerCommand, Subject: c.CustomerID,
		Tenant: c.Tenant, Region: c.Region, TraceID: c.TraceID, Time: c.IssuedAt}
	for _, h := range envelope.Headers() {
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	waiter, err := await.AskCommand[topics.CustomerChange](d.hub, topics.CustomerChanges, c.CommandID)
	if err != nil {
		return nil, err
	}
	defer waiter.Close()
	ctx, cancel := context.WithTimeout(ctx, 2*writeWithin)
	defer cancel()
	if err := d.producer.ProduceSync(ctx, record).FirstErr(); err != nil {
		return nil, fmt.Errorf("%w: write %s: %w", ErrUncertain, topics.Inbox, err)
	}
	change, known := waiter.Wait(ctx)
	switch {
	case !known:
		return nil, ErrUncertain
	case change.Refusal == topics.RefusedVersionConflict:
		return nil, &Conflict{change.Version}
	case change.Refusal != "":
		return nil, &Refused{topics.Refusal{Code: change.Refusal, Detail: change.Detail}}
	}
	return change.Record, nil
}
