"""Room for what the console shows: at the width of a phone, a tablet and a desk."""

from helpers.calling import list_of, resend
from helpers.console import Console, settled
from playwright.sync_api import expect

from crmcom_kit.mock_server.python_api import Mock

#: Everything that README's session leads to: its requests, the record, its delivery, all panels.
ADDRESSES = (
    *(f"requests/{number}" for number in (1, 2, 3, 4)),
    *("records/7", "records/8", "deliveries/1", "deliveries/trigger"),
    *("faults", "worlds", "evidence/resend.only_rejected", "evidence/errors.not_rejected.code"),
)
WIDTHS = (390, 768, 1400)
#: Opens each tab in turn; returns the texts whose block is narrower than their longest word, or
#: than 12ch if that is less.
CRAMPED = """async () => {
  const pen = document.createElement("canvas").getContext("2d");
  const found = new Set();
  const look = (tab) => {
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const [text, parent] = [texts.currentNode.data.trim(), texts.currentNode.parentElement];
      if (!text || !parent.checkVisibility({visibilityProperty: true})) continue;
      if (parent.closest("select, datalist, textarea")) continue;
      const {fontWeight, fontSize, fontFamily} = getComputedStyle(parent);
      pen.font = `${fontWeight} ${fontSize} ${fontFamily}`;
      const widths = text.split(/\\s+/).map((word) => pen.measureText(word).width);
      const wanted = Math.min(Math.max(...widths), 12 * pen.measureText("0").width);
      let block = parent;
      while (getComputedStyle(block).display === "inline") block = block.parentElement;
      const {paddingLeft, paddingRight} = getComputedStyle(block);
      const room = block.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
      if (room < wanted - 1) found.add(`${tab}: ${text.slice(0, 40)}: ${room} of ${wanted} px`);
    }
  };
  look("at first");
  for (const tab of document.querySelectorAll("[role=tab]")) {
    tab.click();
    await new Promise(requestAnimationFrame);
    if (tab.getAttribute("aria-selected") !== "true") found.add(`${tab.textContent}: not opened`);
    look(tab.textContent.trim());
  }
  return [...found];
}"""


def test_no_text_is_cramped(console: Console, mock: Mock) -> None:
    """In every tab of README's own session; a change stands below its name."""
    user = mock.credentials
    login = {"username": user.username, "organisation": user.organisation}
    mock.client().post("authentication/token", json={**login, "password": user.password})
    list_of(mock, entity="ACTIVITIES", life_cycle_state="REJECTED", fields_set="number,error_code")
    resend(mock)
    resend(mock)
    page = console.open()
    for address in ADDRESSES:
        page.goto(f"{console.url}/#/{address}")
        settled(page)
        page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(CRAMPED) == [], (address, width)
    page.goto(f"{console.url}/#/requests/3")
    page.get_by_role("tab", name="Why").click()
    names, values = page.locator(".change dt"), page.locator(".change dd")
    expect(names).not_to_have_count(0)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        name, value = names.first.bounding_box(), values.first.bounding_box()
        assert name is not None
        assert value is not None
        assert value["x"] == name["x"]
        assert value["y"] >= name["y"] + name["height"]
