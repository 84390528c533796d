"""Who answers about what was said, and fetches people."""

from agents.module_agent import ModuleAgent
from tools import helpdesk

AGENT = ModuleAgent(
    handles="what we told whom, how things are done, complaints, every wish for a person; for staff also who waits for one, and promises",
    for_customers=(helpdesk.what_did_we_tell, helpdesk.find_article, helpdesk.hand_over, helpdesk.send_code),
    for_staff=(
        helpdesk.what_did_we_tell,
        helpdesk.find_article,
        helpdesk.what_did_we_tell_customer,
        helpdesk.who_waits,
        helpdesk.promise,
        helpdesk.overdue_promises,
        helpdesk.hand_over,
    ),
)
