#ifndef RecoE2E_ParticleViT_data_programs_events_h
#define RecoE2E_ParticleViT_data_programs_events_h

// Hits and candidates of events from a text file, as python/geometry/event_files.py writes it. One thing per line:
//
//   particlevit events 1                        the first line
//   event                                       begins an event
//   barrel IETA IPHI ENERGY TIME                EB hit
//   endcap ETA PHI ENERGY                       EE hit
//   tower IETA IPHI DEPTH ENERGY                HB or HE hit
//   track PT ETA PHI                            of high purity, its direction at the vertex
//   candidate PT ETA PHI [IETA IPHI]...         photon, electron or jet; the crystals of its supercluster
//
// Energies and pT in GeV, times in ns, phi in rad; nan and inf are numbers. Empty lines do not count.

#include <charconv>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "RecoE2E/ParticleViT/interface/Hits.h"
#include "RecoE2E/ParticleViT/interface/JetImageMaker.h"

namespace particlevit::test {

  struct HitEvent {
    JetHits hits;
    std::vector<Candidate> candidates;
  };

  // The words of a line, read as numbers one after the other.
  class Line {
  public:
    explicit Line(const std::string& text) : words_(text) { words_ >> kind_; }

    const std::string& kind() const { return kind_; }
    bool empty() { return (words_ >> std::ws).eof(); }

    template <typename Number>
    Number next() {
      std::string word;
      if (!(words_ >> word))
        throw std::invalid_argument("too few numbers");
      Number number{};
      const auto result = std::from_chars(word.data(), word.data() + word.size(), number);
      if (result.ec != std::errc() || result.ptr != word.data() + word.size())
        throw std::invalid_argument("'" + word + "' is no number of its kind");
      return number;
    }

  private:
    std::istringstream words_;
    std::string kind_;
  };

  inline void readLine(Line& line, HitEvent& event) {
    if (line.kind() == "barrel") {
      event.hits.barrel.push_back({line.next<int>(), line.next<int>(), line.next<float>(), line.next<float>()});
    } else if (line.kind() == "endcap") {
      event.hits.endcap.push_back({line.next<double>(), line.next<double>(), line.next<float>()});
    } else if (line.kind() == "tower") {
      event.hits.towers.push_back({line.next<int>(), line.next<int>(), line.next<int>(), line.next<float>()});
    } else if (line.kind() == "track") {
      event.hits.tracks.push_back({line.next<float>(), line.next<double>(), line.next<double>()});
    } else if (line.kind() == "candidate") {
      event.candidates.push_back({line.next<double>(), line.next<double>(), line.next<double>(), {}});
      while (!line.empty())
        event.candidates.back().crystals.push_back({line.next<int>(), line.next<int>()});
    } else {
      throw std::invalid_argument("'" + line.kind() + "' is nothing that an event has");
    }
    if (!line.empty())
      throw std::invalid_argument("too many numbers");
  }

  // Reads all events. Throws, naming the line, if the file is not as described above.
  inline std::vector<HitEvent> readEvents(const std::string& path) {
    std::ifstream file(path);
    std::string text;
    if (!std::getline(file, text) || text != "particlevit events 1")
      throw std::runtime_error(path + " does not begin with 'particlevit events 1'");
    std::vector<HitEvent> events;
    for (std::size_t number = 2; std::getline(file, text); ++number) {
      Line line(text);
      if (line.kind().empty())
        continue;
      try {
        if (line.kind() == "event") {
          events.emplace_back();
        } else if (events.empty()) {
          throw std::invalid_argument("no event has begun");
        } else {
          readLine(line, events.back());
        }
      } catch (const std::invalid_argument& error) {
        throw std::runtime_error(path + ", line " + std::to_string(number) + ": " + error.what());
      }
    }
    return events;
  }

}  // namespace particlevit::test

#endif
