// Package draw makes the draws of routing. They are pure: the same seed gives the same draw, in every process. It holds no
// amounts of money, and may therefore reckon with floating-point numbers.
package draw

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/rand/v2"
)

// Billionths make a whole: rates are in billionths.
const Billionths = 1_000_000_000

// millionths is the unit of what was learnt.
const millionths = 1_000_000

// Seed is what draws for one payment, or one customer, are made by.
type Seed struct{ high, low uint64 }

// Of is the seed that a text gives: the first 16 bytes of its SHA-256. use keeps draws for different things apart.
func Of(use, text string) Seed {
	hash := sha256.Sum256([]byte("weir routing " + use + "\x00" + text))
	return Seed{binary.BigEndian.Uint64(hash[:8]), binary.BigEndian.Uint64(hash[8:16])}
}

// Numbers yields numbers by the seed, by PCG.
func (s Seed) Numbers() *rand.PCG { return rand.NewPCG(s.high, s.low) }

// Rate draws a rate of approval, in billionths, for a route of which so many requests, in millionths, were approved and
// declined: from the beta distribution with 1 + approved and 1 + declined. The same arguments give the same rate.
func (s Seed) Rate(route string, approved, declined int64) int64 {
	// FNV-1a of the name; each route has a sequence of its own.
	name := uint64(14695981039346656037)
	for i := range len(route) {
		name = (name ^ uint64(route[i])) * 1099511628211
	}
	source := rand.New(rand.NewPCG(s.high^name, s.low))
	x := gamma(source, 1+float64(approved)/millionths)
	y := gamma(source, 1+float64(declined)/millionths)
	return int64(math.Round(x / (x + y) * Billionths))
}

// gamma draws from the gamma distribution of a shape of at least 1 (Marsaglia and Tsang).
func gamma(source *rand.Rand, shape float64) float64 {
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := source.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(1-source.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}
