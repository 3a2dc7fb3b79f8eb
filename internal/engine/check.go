package engine

import (
	"errors"

	"github.com/weirhq/weir/internal/config"
)

// Check says what of a configuration, and of the files that it names, would keep Start from assembling the roles. It connects to
// nothing.
func Check(c *config.Config) error {
	e := &Engine{Config: c}
	_, adapters := e.adapters()
	_, signatures := verifiers(c.PSP)
	return errors.Join(e.checkRules(), adapters, signatures)
}
