package topics

import "time"

// The ce_type of records about who customers are: what is asked stands in the inbox, what came of it in customers.changes.v1 and
// customers.v1.
const (
	TypeCustomerCommand = "weir.customer.command.v1"
	TypeCustomerChange  = "weir.customer.change.v1"
	TypeCustomerRecord  = "weir.customer.record.v1"
)

// CustomerStatus is how a customer stands, by the word of the operator; nothing is blocked by it.
type CustomerStatus string

const (
	CustomerActive     CustomerStatus = "active"
	CustomerRestricted CustomerStatus = "restricted"
	CustomerClosed     CustomerStatus = "closed"
)

// KYCLevel is how well the operator knows who a customer is.
type KYCLevel string

const (
	KYCNone     KYCLevel = "none"
	KYCBasic    KYCLevel = "basic"    // the customer said who they are
	KYCVerified KYCLevel = "verified" // documents prove it
	KYCEnhanced KYCLevel = "enhanced" // enhanced due diligence: where the money comes from is proven, too
)

// CustomerCommandType is what is asked of a customer's record.
type CustomerCommandType string

const (
	CustomerPut   CustomerCommandType = "put"   // this is the record from now on
	CustomerErase CustomerCommandType = "erase" // forget who the customer is
)

// AnyVersion stands for the version of whatever record there is, if there is one.
const AnyVersion = -1

// CustomerCommand asks for a change of a customer's record. It stands in the inbox as it was written by weir's own API or command:
// whoever writes one has the data key that its personal fields are encrypted by.
type CustomerCommand struct {
	CommandID  string              `json:"command_id" validate:"required,command_id"`
	Type       CustomerCommandType `json:"type" validate:"required,oneof=put erase"`
	Tenant     string              `json:"tenant" validate:"required,max=64,name"`
	Region     string              `json:"region,omitempty" validate:"max=32"`
	CustomerID string              `json:"customer_id" validate:"required,max=64,name"`
	// ExpectedVersion is that of the record which the command changes: 0 where there is none, -1 where it may be any.
	ExpectedVersion int64         `json:"expected_version"`
	Data            *CustomerData `json:"data,omitempty"` // put
	// Author is who asks for it: over HTTP the API key. Neither it nor the reason holds personal data of the customer.
	Author   string    `json:"author" validate:"required,max=64"`
	Reason   string    `json:"reason" validate:"required,max=256"`
	IssuedAt time.Time `json:"issued_at,omitzero"`
	TraceID  string    `json:"trace_id,omitempty" validate:"max=64"`
}

// CustomerData is what is known of a customer. What tells who it is stands encrypted in Personal.
type CustomerData struct {
	Status      CustomerStatus `json:"status" validate:"required,oneof=active restricted closed"`
	KYCLevel    KYCLevel       `json:"kyc_level" validate:"required,oneof=none basic verified enhanced"`
	Country     string         `json:"country,omitempty" validate:"omitempty,iso3166_1_alpha2"`     // of residence
	Nationality string         `json:"nationality,omitempty" validate:"omitempty,iso3166_1_alpha2"` // ISO 3166-1 alpha-2, too
	// PEP says whether the customer is a politically exposed person; absent where nobody has looked.
	PEP *bool `json:"pep,omitempty"`
	// ExpectedTurnover is what the customer is expected to pay in each month.
	ExpectedTurnover *ExpectedTurnover `json:"expected_turnover,omitempty"`
	Personal         *SealedPersonal   `json:"personal,omitempty"`
}

// ExpectedTurnover is an amount for each month.
type ExpectedTurnover struct {
	Amount   int64  `json:"amount" validate:"gte=0,lte=999999999999999"` // minor units
	Currency string `json:"currency" validate:"required,currency"`
}

// SealedPersonal are a customer's personal fields, each encrypted by the customer's data key. Once that key is deleted nobody can
// read them, wherever they were copied to.
type SealedPersonal struct {
	// KeyID names the data key: a UUID, new for each key.
	KeyID string `json:"key_id" validate:"required,command_id"`
	// Fields are names, birth_date, address, occupation and source_of_funds, as far as they are known.
	Fields map[string][]byte `json:"fields" validate:"min=1,max=8"`
}

// CustomerRecord is the value of customers.v1: what is known of a customer, as its last change left it. One that was erased has no
// data.
type CustomerRecord struct {
	Tenant     string `json:"tenant"`
	Region     string `json:"region,omitempty"`
	CustomerID string `json:"customer_id"`
	// Version is 1 for the first record of a customer, and one more with each change.
	Version int64         `json:"version"`
	Data    *CustomerData `json:"data,omitempty"`
	Erased  bool          `json:"erased,omitempty"`
	EventID string        `json:"event_id"` // of the change that made it so, in customers.changes.v1
	Author  string        `json:"author"`   // of that change
	Reason  string        `json:"reason"`
	// CreatedAt is when the first version was written, UpdatedAt when this one was.
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// CustomerChangeType is what became of a customer's record.
type CustomerChangeType string

const (
	CustomerWritten        CustomerChangeType = "written"
	CustomerErased         CustomerChangeType = "erased"          // the data key was deleted with it
	CustomerCommandRefused CustomerChangeType = "command_refused" // changes nothing; refusal says why
	CustomerDeadLettered   CustomerChangeType = "dead_lettered"   // the record is in the dead-letter topic
)

// CustomerChange is the value of customers.changes.v1: who changed a customer's record, when, why and to what.
type CustomerChange struct {
	EventID    string             `json:"event_id"` // partition-position-index of the inbox record that caused it
	Type       CustomerChangeType `json:"type"`
	Tenant     string             `json:"tenant"`
	Region     string             `json:"region,omitempty"`
	CustomerID string             `json:"customer_id,omitempty"`
	CommandID  string             `json:"command_id,omitempty"`
	TraceID    string             `json:"trace_id,omitempty"`
	At         time.Time          `json:"at"`
	Author     string             `json:"author,omitempty"`
	Reason     string             `json:"reason,omitempty"`
	// Version is that of the record after the change; of a refused command, that of the record there is, 0 for none.
	Version int64           `json:"version,omitempty"`
	Record  *CustomerRecord `json:"record,omitempty"`  // written, erased: the record from then on
	Refusal RefusalCode     `json:"refusal,omitempty"` // command_refused, dead_lettered
	Detail  string          `json:"detail,omitempty"`  // for people
}

// CustomerKey is the key of a customer's record in customers.v1. Neither part can hold a slash.
func CustomerKey(tenant, customer string) string { return tenant + "/" + customer }
