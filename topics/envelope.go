package topics

import "time"

// Header is one Kafka record header.
type Header struct {
	Key   string
	Value []byte
}

// Envelope is a record's metadata: CloudEvents 1.0 attributes in Kafka binary mode (headers ce_*), with the extension
// attributes tenant, region and traceid.
type Envelope struct {
	ID      string // ce_id: unique within Source
	Source  string // ce_source: the role that wrote it, such as "weir/payments"
	Type    string // ce_type
	Subject string // ce_subject: the payment id, where there is one; of a decision on a customer event, the event's id
	Time    time.Time
	Tenant  string
	Region  string
	TraceID string
	// ContentType is of the value; "" means application/json. Only raw webhooks have another.
	ContentType string
}
