package customerkeys

import (
	"crypto/cipher"
	"crypto/rand"
	"fmt"

	"github.com/gofrs/uuid/v5"
)

// Wrapped is a data key as it is stored.
type Wrapped struct {
	KeyID   uuid.UUID
	Master  string // id of the master key
	Wrapped []byte
}

// DataKey encrypts and decrypts the fields of one customer.
type DataKey struct {
	ID               uuid.UUID
	tenant, customer string
	aead             cipher.AEAD
}

// New makes a data key for a customer, wrapped by the current master key.
func (m *Masters) New(tenant, customer string) (Wrapped, error) {
	id, err := uuid.NewV4()
	if err != nil {
		return Wrapped{}, fmt.Errorf("a new key id: %w", err)
	}
	var key [keyBytes]byte
	rand.Read(key[:]) // never fails
	return m.current.wrap(key[:], id, tenant, customer), nil
}

func (m *Master) wrap(key []byte, id uuid.UUID, tenant, customer string) Wrapped {
	return Wrapped{id, m.ID, m.aead.Seal(nil, nil, key, bound(contextData, tenant, customer, id.String()))}
}

func (m *Masters) unwrap(w Wrapped, tenant, customer string) ([]byte, error) {
	master, err := m.find(w.Master)
	if err != nil {
		return nil, err
	}
	key, err := master.aead.Open(nil, nil, w.Wrapped, bound(contextData, tenant, customer, w.KeyID.String()))
	if err != nil {
		return nil, fmt.Errorf("data key %s of customer %s does not open with master key %s", w.KeyID, customer, w.Master)
	}
	return key, nil
}

// Open opens a customer's data key.
func (m *Masters) Open(w Wrapped, tenant, customer string) (*DataKey, error) {
	key, err := m.unwrap(w, tenant, customer)
	if err != nil {
		return nil, err
	}
	aead, err := newAEAD(key)
	return &DataKey{w.KeyID, tenant, customer, aead}, err
}

// Rewrap is the same data key, wrapped by the current master key.
func (m *Masters) Rewrap(w Wrapped, tenant, customer string) (Wrapped, error) {
	key, err := m.unwrap(w, tenant, customer)
	if err != nil {
		return Wrapped{}, err
	}
	return m.current.wrap(key, w.KeyID, tenant, customer), nil
}

// Seal encrypts the text of a field. It opens as that field of that customer and as nothing else.
func (k *DataKey) Seal(field, text string) []byte {
	return k.aead.Seal(nil, nil, []byte(text), bound(contextText, k.tenant, k.customer, field))
}

// Open decrypts the text of a field.
func (k *DataKey) Open(field string, sealed []byte) (string, error) {
	text, err := k.aead.Open(nil, nil, sealed, bound(contextText, k.tenant, k.customer, field))
	if err != nil {
		return "", fmt.Errorf("%s of customer %s does not open with data key %s", field, k.customer, k.ID)
	}
	return string(text), nil
}
