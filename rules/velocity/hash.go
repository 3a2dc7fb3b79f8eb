package velocity

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
)

// KeyOf is the key of a value of a tenant's field. A cryptographic hash, because customers choose the values: nobody
// can be made to share a key with somebody else.
func KeyOf(tenant, field, value string) Key {
	sum := digest(tenant, field, value)
	return Key(sum[:16])
}

// Partition is the partition of risk.signals.v1 that owns the key.
func (k Key) Partition(partitions int32) int32 {
	return int32(binary.LittleEndian.Uint64(k[:8]) % uint64(partitions))
}

// inGroup is the key of the list that a further group of the dimension keeps for the same value.
func (k Key) inGroup(group int) Key {
	if group > 0 {
		half := binary.LittleEndian.Uint64(k[8:])
		binary.LittleEndian.PutUint64(k[8:], half^uint64(group)*0x9e3779b97f4a7c15)
	}
	return k
}

// CommandOf is the hash by which a tenant's command is known in signals.
func CommandOf(tenant, id string) uint64 {
	sum := digest(tenant, id, "")
	return binary.LittleEndian.Uint64(sum[:])
}

// valueOf is the hash by which signals tell values apart for Distinct.
func valueOf(value string) ValueHash {
	sum := digest(value, "", "")
	return ValueHash(sum[:len(ValueHash{})])
}

// keyed makes of hashes the shorter ones that a state keeps, by a secret of its own: values that share one cannot be
// looked for. It is AES-128 over the hash, of which half is taken.
type keyed struct {
	secret [16]byte
	cipher cipher.Block
	room   [aes.BlockSize]byte
}

func (k *keyed) set(secret [16]byte) {
	k.secret = secret
	block, err := aes.NewCipher(secret[:])
	if err != nil {
		panic(err) // of a key of another length
	}
	k.cipher = block
}

// of is never 0, which stands for no value.
func (k *keyed) of(value *ValueHash) uint64 {
	k.cipher.Encrypt(k.room[:], value[:])
	return max(binary.LittleEndian.Uint64(k.room[:]), 1)
}

// digest is SHA-256 over three texts, each after its length.
func digest(a, b, c string) [sha256.Size]byte {
	var room [256]byte
	text := room[:0]
	for _, part := range [3]string{a, b, c} {
		text = append(binary.AppendUvarint(text, uint64(len(part))), part...)
	}
	return sha256.Sum256(text)
}
