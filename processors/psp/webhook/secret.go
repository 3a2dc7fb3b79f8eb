package webhook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// decodeSecret reads a Standard Webhooks secret. Its errors never hold the secret.
func decodeSecret(secret string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return nil, errors.New("is not base64")
	}
	if len(key) < MinSecretBytes {
		return nil, fmt.Errorf("is %d bytes long, want at least %d", len(key), MinSecretBytes)
	}
	return key, nil
}
