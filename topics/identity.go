package topics

import (
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/gofrs/uuid/v5"
)

// PartitionOf is the partition in which a customer's records meet: FNV-1a (64 bits) over tenant, a zero byte and
// customer id, modulo the partition count. The key's own partitioner is not used, because producers' defaults differ
// (murmur2 in Java and franz-go, CRC32 in librdkafka).
func PartitionOf(tenant, customer string, partitions int32) int32 {
	h := fnv.New64a()
	h.Write([]byte(tenant))
	h.Write([]byte{0})
	h.Write([]byte(customer))
	return int32(h.Sum64() % uint64(partitions))
}

// GuestCustomer is the customer id of a payment whose create command names none.
func GuestCustomer(commandID uuid.UUID) string {
	return "guest_" + strings.ReplaceAll(commandID.String(), "-", "")
}

// PaymentID names a payment and the partition that owns it: "pay_" + partition as 4 hex digits + "_" + the 32 hex
// digits of the create command's id. It travels as the PSP's merchant reference, so that a webhook finds its partition.
type PaymentID struct {
	Partition int32
	UUID      uuid.UUID
}

func (id PaymentID) String() string { return partitioned(paymentPrefix, id.Partition, id.UUID) }

// ParsePaymentID reads what String wrote.
func ParsePaymentID(s string) (PaymentID, error) {
	partition, id, err := parsePartitioned("payment", paymentPrefix, s)
	return PaymentID{partition, id}, err
}

const paymentPrefix = "pay_"

// partitioned is the text of an id that names its partition.
func partitioned(prefix string, partition int32, id uuid.UUID) string {
	const digits = "0123456789abcdef"
	b := make([]byte, 0, 4+4+1+32)
	b = append(b, prefix...)
	for shift := 12; shift >= 0; shift -= 4 {
		b = append(b, digits[partition>>shift&15])
	}
	return string(hex.AppendEncode(append(b, '_'), id[:]))
}

// parsePartitioned reads what partitioned wrote; what is what it names.
func parsePartitioned(what, prefix, s string) (int32, uuid.UUID, error) {
	rest, ok := strings.CutPrefix(s, prefix)
	if !ok || len(rest) != 4+1+32 || rest[4] != '_' {
		return 0, uuid.UUID{}, fmt.Errorf("%s id %.64q: want %s, 4 hex digits, _ and 32 hex digits", what, s, prefix)
	}
	partition, err := strconv.ParseUint(rest[:4], 16, 15)
	if err != nil {
		return 0, uuid.UUID{}, fmt.Errorf("%s id %.64q: partition: %w", what, s, err)
	}
	id, err := uuid.FromString(rest[5:])
	if err != nil {
		return 0, uuid.UUID{}, fmt.Errorf("%s id %.64q: %w", what, s, err)
	}
	return int32(partition), id, nil
}

// EventID names an event, an entry or a request by the inbox record that caused it and its place among that record's
// records of the same topic.
type EventID struct {
	Partition int32
	Position  int64
	Index     int16
}

func (id EventID) String() string {
	b := make([]byte, 0, 32)
	b = append(strconv.AppendInt(b, int64(id.Partition), 10), '-')
	b = append(strconv.AppendInt(b, id.Position, 10), '-')
	return string(strconv.AppendInt(b, int64(id.Index), 10))
}

// ParseEventID reads what String wrote.
func ParseEventID(s string) (EventID, error) {
	first, rest, _ := strings.Cut(s, "-")
	second, third, found := strings.Cut(rest, "-")
	if !found {
		return EventID{}, fmt.Errorf("event id %.64q: want partition-position-index", s)
	}
	partition, err1 := strconv.ParseInt(first, 10, 32)
	position, err2 := strconv.ParseInt(second, 10, 64)
	index, err3 := strconv.ParseInt(third, 10, 16)
	if err1 != nil || err2 != nil || err3 != nil || partition < 0 || position < 0 || index < 0 {
		return EventID{}, fmt.Errorf("event id %.64q: want three non-negative integers", s)
	}
	return EventID{int32(partition), position, int16(index)}, nil
}
