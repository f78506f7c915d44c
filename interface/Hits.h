#ifndef RecoE2E_ParticleViT_Hits_h
#define RecoE2E_ParticleViT_Hits_h

// What images are made of, free of any framework. Energies and pT in GeV, times in ns, phi in rad.

#include <vector>

namespace particlevit {

  struct BarrelHit {
    int ieta;  // -85..-1, 1..85
    int iphi;  // 1..360
    float energy;
    float time;
  };

  // A hit of an ECAL endcap, at the position of its crystal; NaN if there is none.
  struct EndcapHit {
    double eta;
    double phi;
    float energy;
  };

  struct TowerHit {
    int ieta;  // -29..-1, 1..29
    int iphi;  // 1..72
    int depth;
    float energy;
  };

  // A track and where it is put: its direction at the vertex, or where it meets the ECAL.
  struct Track {
    float pt;
    double eta;
    double phi;
  };

  struct Crystal {
    int ieta;
    int iphi;
  };

  // A photon, an electron or a jet; the first two with the crystals of their supercluster.
  struct Candidate {
    double pt;
    double eta;
    double phi;
    std::vector<Crystal> crystals;
  };

}  // namespace particlevit

#endif
