package webhook

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// MinSecretBytes is the shortest signing key accepted, where the scheme says no other (Standard Webhooks asks for 24 to
// 64 bytes).
const MinSecretBytes = 24

// secretsOf decodes the live secrets. Its errors never hold one.
func secretsOf(secrets []string, least int, decode func(string) ([]byte, error)) ([][]byte, error) {
	keys := make([][]byte, len(secrets))
	for i, secret := range secrets {
		key, err := decode(secret)
		if err == nil && len(key) < least {
			err = fmt.Errorf("is %d bytes long, want at least %d", len(key), least)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", nameOf("secret", i), err)
		}
		keys[i] = key
	}
	return keys, nil
}

// nameOf is the key of the configuration that a live secret or public key stands under.
func nameOf(key string, i int) string {
	if i > 0 {
		return "old_" + key
	}
	return key
}

func fromText(s string) ([]byte, error) { return []byte(s), nil }

func fromHex(s string) ([]byte, error) {
	key, err := hex.DecodeString(s)
	if err != nil {
		return nil, errors.New("is not hexadecimal")
	}
	return key, nil
}

func fromBase64(s string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, errors.New("is not base64")
	}
	return key, nil
}

// publicKeys decodes Ed25519 public keys: 32 bytes in base64 or hexadecimal, with or without the prefix of Standard
// Webhooks.
func publicKeys(keys []string) ([]ed25519.PublicKey, error) {
	all := make([]ed25519.PublicKey, len(keys))
	for i, text := range keys {
		text = strings.TrimPrefix(text, "whpk_")
		key, err := hex.DecodeString(text)
		if err != nil {
			key, err = base64.StdEncoding.DecodeString(text)
		}
		if err != nil || len(key) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("%s: want %d bytes in base64 or hexadecimal", nameOf("public_key", i), ed25519.PublicKeySize)
		}
		all[i] = key
	}
	return all, nil
}

// matches tells whether a signature is the HMAC-SHA256 of the parts by one of the keys. The time that it takes tells
// nothing of a key or of the right signature.
func matches(keys [][]byte, signatures [][]byte, parts ...[]byte) bool {
	found := false
	for _, key := range keys {
		mac := hmac.New(sha256.New, key)
		for _, part := range parts {
			mac.Write(part)
		}
		want := mac.Sum(nil)
		for _, signature := range signatures {
			found = hmac.Equal(signature, want) || found
		}
	}
	return found
}

// signedBy tells whether a signature of the message is one of the keys'.
func signedBy(keys []ed25519.PublicKey, signatures [][]byte, message []byte) bool {
	for _, key := range keys {
		for _, signature := range signatures {
			if len(signature) == ed25519.SignatureSize && ed25519.Verify(key, message, signature) {
				return true
			}
		}
	}
	return false
}

// hashed names a delivery whose PSP gives it no id.
func hashed(signed []byte) string {
	sum := sha256.Sum256(signed)
	return "sha256_" + hex.EncodeToString(sum[:16])
}
