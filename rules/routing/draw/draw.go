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

// Source yields numbers by a seed: PCG, seeded by the first 16 bytes of the seed's SHA-256.
type Source struct{ *rand.PCG }

// New returns the source of a seed. use keeps draws for different things apart.
func New(use, seed string) Source {
	hash := sha256.Sum256([]byte("weir routing " + use + "\x00" + seed))
	return Source{rand.NewPCG(binary.BigEndian.Uint64(hash[:8]), binary.BigEndian.Uint64(hash[8:16]))}
}

// Rate draws a rate of approval, in billionths, for a payment on a route of which so many requests, in millionths, were
// approved and declined: from the beta distribution with 1 + approved and 1 + declined. The same arguments give the same rate.
func Rate(payment, route string, approved, declined int64) int64 {
	source := rand.New(New("sample", payment+"\x00"+route))
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
